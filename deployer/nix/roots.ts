import { mkdir, readdir, readlink, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { Failure } from "../failure.ts";
import { lastLines, run } from "../process.ts";

/** Releases of each host that are kept where nobody says otherwise. */
export const keptReleases = 5;

/** A root of the collector's: a link in a folder of the project's, that Nix knows of. */
export interface Root {
  /** File name: `<number>-<name of the store path>`. */
  name: string;
  /** The store path. */
  path: string;
}

const numberOf = ({ name }: Root): number => Number(/^(\d+)-/.exec(name)?.[1] ?? Number.NaN);

/**
 * What is to be done so that `path` is the newest root and the roots hold the last `keep` releases, each once.
 * Files that are no roots of ours are left alone.
 */
export function planRoots(
  roots: readonly Root[],
  path: string,
  keep: number,
): { add: string | undefined; remove: string[] } {
  const newestFirst = roots
    .filter((root) => Number.isInteger(numberOf(root)))
    .sort((a, b) => numberOf(b) - numberOf(a));
  const [newest] = newestFirst;
  const add = newest?.path === path ? undefined : `${newest ? numberOf(newest) + 1 : 1}-${basename(path)}`;
  const kept = new Set([path]);
  const remove: string[] = [];
  for (const root of newestFirst) {
    if (root === newest && add === undefined) continue;
    if (kept.has(root.path) || kept.size >= keep) remove.push(root.name);
    else kept.add(root.path);
  }
  return { add, remove };
}

/** Root a store path that is being deployed, so that nothing collects it on its way. The next one takes its place. */
export const rootNext = (folder: string, path: string): Promise<void> => addRoot(folder, "next", path);

/**
 * Root a release before it is known whether it is kept, beside all others; `rootRelease` then has nothing to add.
 * @returns takes that back
 */
export async function rootTrial(folder: string, path: string): Promise<() => Promise<void>> {
  const { add } = planRoots(await rootsIn(folder), path, Number.POSITIVE_INFINITY);
  if (add === undefined) return async () => undefined;
  await addRoot(folder, add, path);
  return () => rm(join(folder, add), { force: true });
}

/** Root a release that was kept, and the `keep` - 1 before it; older ones are the collector's. */
export async function rootRelease(folder: string, path: string, keep: number): Promise<void> {
  const plan = planRoots(await rootsIn(folder), path, keep);
  if (plan.add !== undefined) await addRoot(folder, plan.add, path);
  // Only now, so that there is no moment without.
  await Promise.all(plan.remove.map((name) => rm(join(folder, name), { force: true })));
}

async function rootsIn(folder: string): Promise<Root[]> {
  const names = await readdir(folder).catch(() => []);
  const roots = await Promise.all(
    names.map(async (name) => ({ name, path: await readlink(join(folder, name)).catch(() => "") })),
  );
  return roots.filter(({ path }) => path !== "");
}

async function addRoot(folder: string, name: string, path: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const link = join(folder, name);
  const ended = await run("nix-store", ["--realise", path, "--add-root", link], { deadline: 60_000 });
  if (ended.exitCode === 0) return;
  throw new Failure({
    tried: `keep ${path} from being collected, by ${link}`,
    cameBack: lastLines(ended.stderr, 3),
    next: "see that this folder can be written, and that the path is in the local store",
  });
}
