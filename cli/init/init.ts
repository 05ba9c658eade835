import { existsSync, readFileSync } from "node:fs";
import { glob, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";
import { print, say } from "../say.ts";
import { type InitOptions, withUsual } from "./answers.ts";
import { installCommands, nextCommands, type PackageFacts, projectFiles, type Sources } from "./files.ts";

export interface InitCommandOptions extends InitOptions {
  /** Ask nothing. */
  yes?: true;
  /** Where package.json gets Berth from; this very package when absent. */
  berth?: string;
  /** Flake with Berth's modules; the package's address when absent. */
  berthFlake?: string;
}

/** Root of the package, or of the checkout. */
const root = resolve(import.meta.dirname, "../..");

/** Make a project in a folder, without touching a file that is there, and tell what comes next. */
export async function init(target: string, options: InitCommandOptions): Promise<void> {
  const { yes, berth, berthFlake, ...known } = options;
  const folder = resolve(target);
  if (!yes && !(process.stdin.isTTY && process.stderr.isTTY))
    throw new Failure({
      tried: "ask what the project is to be",
      cameBack: "nobody sits at a terminal",
      stands: "Nothing was written.",
      next: "say all of it by options, with --yes for what is usual; berth init --help lists them",
    });
  const name = basename(folder);
  const answers = yes ? withUsual(known, name) : await (await import("./ask.ts")).ask(known, name);
  const dependency = berth ?? `file:${relative(folder, root)}`;
  const files = projectFiles(answers, {
    dependency,
    flake: berthFlake ?? usualFlake(folder),
    template: await templateFiles(),
  });
  const kept: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    const written = await writeNew(join(folder, path), text);
    say(written ? `wrote ${path}` : `kept ${path}, which was there`);
    if (!written) kept.push(path);
  }
  if (kept.length > 0) say(`What was kept may have to be changed by hand: ${kept.join(", ")}`);
  const installs = installCommands(await packageOf(folder), dependency);
  const there = relative(process.cwd(), folder);
  print(
    [
      "Next:",
      ...[...(there === "" ? [] : [`cd ${there}`]), ...nextCommands(answers, installs)].map(
        (line) => `  ${line}`,
      ),
    ].join("\n"),
  );
}

const packageShape = z.looseObject({
  type: z.string().optional(),
  dependencies: z.record(z.string(), z.unknown()).optional(),
});

/** The project's package.json, which may be one that was there. */
async function packageOf(folder: string): Promise<PackageFacts> {
  const text = await readFile(join(folder, "package.json"), "utf8");
  const { data } = packageShape.safeParse(jsonOrUndefined(text));
  return {
    isModule: data?.type === "module",
    depends: data?.dependencies !== undefined && Object.hasOwn(data.dependencies, "berth"),
    installed: existsSync(join(folder, "node_modules/berth")),
  };
}

/** The repository that package.json names; else the package where the project will have it, on this machine. */
function usualFlake(folder: string): string {
  const { repository } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    repository?: string | { url: string };
  };
  const address = typeof repository === "string" ? repository : repository?.url;
  const github = /github(?:\.com[/:]|:)([^/]+\/[^/]+?)(?:\.git)?$/.exec(address ?? "")?.[1];
  if (github !== undefined) return `github:${github}`;
  // Of a checkout what git knows is enough; its node_modules are not for Nix's store.
  return existsSync(join(root, ".git")) ? `git+file://${root}` : `path:${join(folder, "node_modules/berth")}`;
}

async function templateFiles(): Promise<Sources["template"]> {
  const from = join(root, "templates/default");
  const files: Record<string, string> = {};
  for await (const file of glob(["*.nix", "app/*"], { cwd: from }))
    files[file] = await readFile(join(from, file), "utf8");
  return files;
}

/** Whether it was written: what is there stays as it is. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw new Failure({
      tried: `write ${file}`,
      cameBack: messageOf(error),
      next: "make the folder writable, or name another one: berth init FOLDER",
    });
  }
}
