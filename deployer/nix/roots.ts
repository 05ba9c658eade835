import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, lutimes, mkdir, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Failure, messageOf } from "../failure.ts";
import { lastLines, run } from "../process.ts";

/** Releases of each host that are kept where nobody says otherwise. */
export const keptReleases = 5;

/**
 * A root of the collector's: a link in a folder of the project's, that Nix knows of by its name. To tell Nix takes a program of its own, so the
 * names stay and are pointed at one release after the other.
 */
export interface Root {
  /** "release", "release-2" and so on. */
  name: string;
  /** The store path. */
  path: string;
  /** When it was pointed at that; milliseconds since the epoch. */
  at: number;
}

/**
 * Which of a folder's roots are free, as a newer one holds the same, and which hold none of the `keep` newest releases, the oldest first.
 * Pure.
 */
export function spareRoots(roots: readonly Root[], keep: number): { free: Root[]; surplus: Root[] } {
  const held = new Set<string>();
  const free: Root[] = [];
  const surplus: Root[] = [];
  for (const root of newestFirst(roots)) {
    if (held.has(root.path)) free.unshift(root);
    else if (held.size >= keep) surplus.unshift(root);
    else held.add(root.path);
  }
  return { free, surplus };
}

const newestFirst = (roots: readonly Root[]): Root[] => roots.toSorted((a, b) => b.at - a.at);

/** Root a store path that is being deployed, so that nothing collects it on its way. The next one takes its place. */
export const rootNext = (folder: string, path: string): Promise<void> =>
  point(folder, { name: "next", path, at: Date.now() });

/**
 * Root a release before it is known whether it is kept, beside all others; `rootRelease` then has nothing to add.
 * @param keep releases that will be kept
 * @returns takes that back
 */
export async function rootTrial(folder: string, path: string, keep: number): Promise<() => Promise<void>> {
  const roots = await rootsIn(folder);
  const [newest] = newestFirst(roots);
  if (newest?.path === path) return async () => undefined;
  if (!newest) {
    const names = await addRoots(folder, path, Number.isFinite(keep) ? keep : keptReleases);
    return async () => {
      await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
    };
  }
  const at = Math.max(Date.now(), newest.at + 1);
  const [free] = spareRoots(roots, Number.POSITIVE_INFINITY).free;
  const name = free?.name ?? unusedName(roots);
  await point(folder, { name, path, at });
  return () => (free ? point(folder, free) : rm(join(folder, name), { force: true }));
}

/** Root a release that was kept, and the `keep` - 1 before it; older ones are the collector's. */
export async function rootRelease(folder: string, path: string, keep: number): Promise<void> {
  await rootTrial(folder, path, keep);
  // Only now, so that there is no moment without.
  const roots = await rootsIn(folder);
  const { surplus } = spareRoots(roots, keep);
  for (const root of roots) {
    if (surplus.includes(root)) await point(folder, { ...root, path });
    // A collection forgets the roots of a folder that was not there, or was elsewhere.
    else if (existsSync(root.path) && !(await isKnown(join(folder, root.name)))) await point(folder, root);
  }
}

const first = "release";

function unusedName(roots: readonly Root[]): string {
  const numbers = roots.map(({ name }) => Number(name.slice(first.length + 1) || 1));
  return `${first}-${Math.max(...numbers) + 1}`;
}

/** The roots of releases in a folder; files that are none are left alone. */
async function rootsIn(folder: string): Promise<Root[]> {
  const names = await readdir(folder).catch(() => []);
  const roots = await Promise.all(
    names
      .filter((name) => /^release(-\d+)?$/.test(name))
      .map(async (name) => {
        const link = join(folder, name);
        const path = await readlink(link).catch(() => "");
        const at = await lstat(link).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        );
        return { name, path, at };
      }),
  );
  return roots.filter(({ path }) => path !== "");
}

/** One root more than is kept at once, so that there is always one for a trial, all of them told to Nix in one go. */
async function addRoots(folder: string, path: string, keep: number): Promise<string[]> {
  await tellNix(folder, first, Array<string>(keep + 1).fill(path));
  return (await rootsIn(folder)).map(({ name }) => name);
}

/** Point a root at a store path. Nix is told where it does not know of it, or where the path may be going away. */
async function point(folder: string, { name, path, at }: Root): Promise<void> {
  const link = join(folder, name);
  const temporary = `${link}.${process.pid}`;
  try {
    await mkdir(folder, { recursive: true });
    await rm(temporary, { force: true });
    await symlink(path, temporary);
    await lutimes(temporary, new Date(at), new Date(at));
    await rename(temporary, link);
  } catch (error) {
    throw notRooted(path, link, messageOf(error));
  }
  if (existsSync(path) && (await isKnown(link))) return;
  try {
    await tellNix(folder, name, [path]);
    await lutimes(link, new Date(at), new Date(at));
  } catch (error) {
    await rm(link, { force: true });
    throw error;
  }
}

/** Have Nix know of a root, and of as many more as there are further paths: "-2" and so on behind the name. */
async function tellNix(folder: string, name: string, paths: readonly string[]): Promise<void> {
  const link = join(folder, name);
  const [path = ""] = paths;
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw notRooted(path, link, messageOf(error));
  }
  const ended = await run("nix-store", ["--realise", ...paths, "--add-root", link], { deadline: 60_000 });
  if (ended.exitCode !== 0) throw notRooted(path, link, lastLines(ended.stderr, 3));
}

const notRooted = (path: string, link: string, cameBack: string): Failure =>
  new Failure({
    tried: `keep ${path} from being collected, by ${link}`,
    cameBack,
    next: "see that this folder can be written, and that the path is in the local store",
  });

/** Whether Nix knows of a root: it has a link to it, by the hash of its name (libstore's addIndirectRoot). */
async function isKnown(link: string): Promise<boolean> {
  const state = process.env.NIX_STATE_DIR ?? "/nix/var/nix";
  const known = await readlink(join(state, "gcroots", "auto", knownAs(resolve(link)))).catch(() => "");
  return known === resolve(link);
}

/** What Nix calls a root in gcroots/auto: the SHA-1 of its name, in Nix's own base 32. Pure. */
export function knownAs(link: string): string {
  const hash = createHash("sha1").update(link).digest().reverse().toString("hex");
  const digits = BigInt(`0x${hash}`).toString(32).padStart(32, "0");
  return [...digits].map((digit) => "0123456789abcdfghijklmnpqrsvwxyz"[Number.parseInt(digit, 32)]).join("");
}
