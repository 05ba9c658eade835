import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { Site } from "../../lab/journey/site.ts";

/** An app in a repository of its own with a remote, and a flake in another repository that has it as an input; another input beside it. */
export interface AppRepository extends AsyncDisposable {
  /** The flake's folder. */
  flake: string;
  /** The app's working copy, beside the flake and named like the input. */
  app: string;
  /** What the app's page says. */
  site: Site;
  /** The flake's lock file: the locked input of each name, and the whole text. */
  lock(): Promise<{ nodes: Record<string, unknown>; text: string }>;
  /** git in one of the folders. */
  git(where: string, ...args: string[]): Promise<string>;
  /** Commit all that is changed there; the commit. */
  commit(where: string, message: string): Promise<string>;
  /** A folder beside them. */
  at(name: string): string;
}

/** Who commits. */
export const author = {
  GIT_AUTHOR_NAME: "ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
};

/**
 * The lab's flake and its app, taken apart into repositories.
 * @param flake the lab's, as it is laid out with the app in it
 * @param env of the lab
 */
export async function takeApart(flake: string, env: Record<string, string>): Promise<AppRepository> {
  const folder = await mkdtemp(join(tmpdir(), "berth-app-"));
  const at = (name: string) => join(folder, name);
  const git = async (where: string, ...args: string[]) =>
    (await execa("git", ["-C", where, ...args], { env: { ...env, ...author }, timeout: 60_000 })).stdout;
  const commit = async (where: string, message: string) => {
    await git(where, "add", "--all");
    await git(where, "commit", "--quiet", "-m", message);
    return await git(where, "rev-parse", "HEAD");
  };
  const publish = async (name: string) => {
    await git(folder, "init", "--quiet", "--bare", "--initial-branch=main", `${name}.git`);
    await git(folder, "init", "--quiet", "--initial-branch=main", name);
    await git(at(name), "remote", "add", "origin", at(`${name}.git`));
    await commit(at(name), `the first of ${name}`);
    await git(at(name), "push", "--quiet", "--set-upstream", "origin", "main");
  };

  const made = new Set(["node_modules", "build", ".svelte-kit"]);
  const source = join(flake, "site");
  await cp(source, at("site"), { recursive: true, filter: (from) => !made.has(basename(from)) });
  await publish("site");
  await cp(join(flake, "nixos"), at("other"), { recursive: true });
  await publish("other");

  await cp(flake, at("infra"), { recursive: true, filter: (from) => from !== source });
  await rm(at("infra/flake.lock"), { force: true });
  const text = await readFile(at("infra/flake.nix"), "utf8");
  const input = (name: string) =>
    `${name} = { url = "git+file://${at(name)}.git?ref=main"; flake = false; };`;
  const changed = text
    .replace(
      "outputs =\n    { self }:",
      `inputs = { ${input("site")} ${input("other")} };\n  outputs = inputs:`,
    )
    .replace("source = ./site;", "source = inputs.site.outPath;");
  if (!changed.includes("outputs = inputs:") || changed.includes("./site;"))
    throw new Error(`the lab's flake has another shape:\n${text.slice(0, 800)}`);
  await writeFile(at("infra/flake.nix"), changed);
  await git(folder, "init", "--quiet", "--initial-branch=main", "infra");
  await git(at("infra"), "add", "--all");
  await execa("nix", ["flake", "lock", at("infra")], { env, timeout: 60_000 });
  await commit(at("infra"), "the first of infra");

  return {
    flake: at("infra"),
    app: at("site"),
    site: new Site(at("site")),
    at,
    git,
    commit,
    async lock() {
      const text = await readFile(at("infra/flake.lock"), "utf8");
      return { text, nodes: JSON.parse(text).nodes };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
