import { chmod, cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { output, repository } from "../nix.ts";

const notSource = new Set(["node_modules", "build"]);

/** What the build made: the folder, and names within it. */
export interface BuiltSpa {
  folder: string;
  files: string[];
  /** Builds the same source once more, under other circumstances, and tells the folder. */
  again(env: Record<string, string>): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Builds the single-page app with npm alone, from a copy of its source. */
export async function buildSpa(source = join(repository, "apps/spa")): Promise<BuiltSpa> {
  const copy = await mkdtemp(join(tmpdir(), "berth-spa-"));
  const remove = () => rm(copy, { recursive: true, force: true });
  // The Node that runs this, and the npm that comes first after it.
  const PATH = `${dirname(process.execPath)}:${process.env.PATH ?? ""}`;
  const npm = (words: string[], env = {}) =>
    output("npm", ["--prefix", copy, ...words], {
      // Under that of the tests the build would be one for development.
      env: { ...env, PATH, NODE_ENV: "production" },
      deadline: 200_000,
    });
  try {
    // For a server that is not this user.
    await chmod(copy, 0o755);
    await cp(source, copy, { recursive: true, filter: (from) => !notSource.has(basename(from)) });
    await npm(["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
    await npm(["run", "build"]);
  } catch (error) {
    await remove();
    throw error;
  }
  const folder = join(copy, "build");
  return {
    folder,
    files: await filesIn(folder),
    async again(env) {
      await npm(["run", "build", "--", "--outDir", "again"], env);
      return join(copy, "again");
    },
    [Symbol.asyncDispose]: remove,
  };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
