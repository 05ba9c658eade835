import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bringInput, commitLock } from "../../cli/deploy.ts";
import { git } from "../../deployer/app/branch.ts";
import { readInput } from "../../deployer/app/lock.ts";
import { findTools } from "../../lab/setup/setup.mjs";
import { output } from "./nix.ts";

/** A flake that follows the branch main of an app in a repository of its own, and another one that it must leave alone. */
let folder: string;
const at = (name: string) => join(folder, name);

async function commit(name: string, text: string): Promise<string> {
  await writeFile(join(at(name), "text"), text);
  await git(at(name), "add", "text");
  await git(at(name), "commit", "--quiet", "-m", text);
  return (await git(at(name), "rev-parse", "HEAD")).trim();
}

async function repository(name: string): Promise<void> {
  await git(folder, "init", "--quiet", "--bare", "--initial-branch=main", `${name}.git`);
  await git(folder, "init", "--quiet", "--initial-branch=main", name);
  await git(at(name), "remote", "add", "origin", at(`${name}.git`));
  await commit(name, `first of ${name}`);
  await git(at(name), "push", "--quiet", "--set-upstream", "origin", "main");
}

beforeEach(async () => {
  const tools = await findTools(new Set(["lab"]));
  vi.stubEnv("PATH", [...tools.path, process.env.PATH].join(":"));
  for (const [name, value] of Object.entries(tools.env)) vi.stubEnv(name, value);
  for (const who of ["AUTHOR", "COMMITTER"]) {
    vi.stubEnv(`GIT_${who}_NAME`, "ada");
    vi.stubEnv(`GIT_${who}_EMAIL`, "ada@example.org");
  }
  folder = await mkdtemp(join(tmpdir(), "berth-deploy-"));
  await repository("site");
  await repository("other");
  await git(folder, "init", "--quiet", "--initial-branch=main", "infra");
  const input = (name: string) =>
    `${name} = { url = "git+file://${at(name)}.git?ref=main"; flake = false; };`;
  await writeFile(
    at("infra/flake.nix"),
    `{ inputs = { ${input("site")} ${input("other")} }; outputs = { site, ... }: { text = builtins.readFile "\${site}/text"; }; }`,
  );
  await git(at("infra"), "add", "flake.nix");
  await output("nix", ["flake", "lock", at("infra")]);
  await git(at("infra"), "add", "flake.lock");
  await git(at("infra"), "commit", "--quiet", "-m", "first");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const bring = (options = {}) => bringInput("site", { flake: at("infra"), yes: true, ...options });

describe("an app in a repository of its own", () => {
  test("is pushed, its input alone is updated, and the lock file alone is committed", async () => {
    const other = await readInput(at("infra"), "other");
    await commit("other", "second");
    await git(at("other"), "push", "--quiet");
    const head = await commit("site", "second");
    await writeFile(at("infra/notes"), "not of this commit");

    const changed = await bring();
    expect(changed?.to).toBe(head.slice(0, 10));
    expect((await git(at("site.git"), "rev-parse", "main")).trim()).toBe(head);
    expect((await readInput(at("infra"), "site")).rev).toBe(head);
    expect(await readInput(at("infra"), "other")).toEqual(other);
    expect(await output("nix", ["eval", "--raw", `${at("infra")}#text`])).toBe("second");

    await commitLock(at("infra"), "site: new");
    expect(await git(at("infra"), "show", "--format=%s", "--name-only")).toBe("site: new\n\nflake.lock\n");
    expect(await git(at("infra"), "status", "--porcelain")).toBe("?? notes\n");
  });

  test("that is the newest already changes nothing", async () => {
    const before = await readFile(at("infra/flake.lock"), "utf8");
    expect(await bring()).toBeUndefined();
    expect(await readFile(at("infra/flake.lock"), "utf8")).toBe(before);
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ["with changes", () => writeFile(join(at("site"), "text"), "changed"), /not committed: text/],
    [
      "on another branch",
      () => git(at("site"), "switch", "--quiet", "--create", "feature"),
      /follows its branch main/,
    ],
    ["that is behind its remote", behind, /origin\/main has 1 commit that is not here/],
  ])("%s is refused, and nothing is changed", async (_, spoil, words) => {
    await spoil();
    const [lock, remote] = [
      await readFile(at("infra/flake.lock"), "utf8"),
      await git(at("site.git"), "rev-parse", "main"),
    ];
    await expect(bring()).rejects.toThrow(words);
    expect(await readFile(at("infra/flake.lock"), "utf8")).toBe(lock);
    expect(await git(at("site.git"), "rev-parse", "main")).toBe(remote);
  });

  test("is not pushed where nobody says yes", async () => {
    await commit("site", "second");
    await expect(bring({ yes: false })).rejects.toThrow(/nobody said yes/);
  });

  test("of another repository than the input's is refused", async () => {
    await expect(bring({ app: at("other") })).rejects.toThrow(/is checked out there/);
  });

  test("that the flake does not have is told with those it has", async () => {
    await expect(bringInput("shop", { flake: at("infra") })).rejects.toThrow(/its inputs are other, site/);
  });
});

/** Somebody else has pushed. */
async function behind(): Promise<void> {
  await git(folder, "clone", "--quiet", at("site.git"), "theirs");
  await commit("theirs", "theirs");
  await git(at("theirs"), "push", "--quiet");
}
