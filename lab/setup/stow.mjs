import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const STAMP = ".berth-made.json";

/**
 * Whether a folder was made whole by `stow` at the very place where it is: what is in it may hold absolute paths.
 * @param {string} folder
 */
export async function isStowed(folder) {
  try {
    return JSON.parse(await readFile(join(folder, STAMP), "utf8")).folder === folder;
  } catch {
    return false;
  }
}

/**
 * Make a folder in a temporary sibling and rename it into place, so that an interrupted run leaves nothing half made.
 * @param {string} folder
 * @param {(temporary: string) => Promise<void>} make may bake `folder` into what it makes
 */
export async function stow(folder, make) {
  const temporary = `${folder}.making-${process.pid}`;
  await mkdir(dirname(folder), { recursive: true });
  await remove(temporary);
  await mkdir(temporary);
  try {
    await make(temporary);
    await writeFile(
      join(temporary, STAMP),
      `${JSON.stringify({ folder, madeAt: new Date().toISOString() })}\n`,
    );
    await remove(folder);
    await rename(temporary, folder);
  } catch (error) {
    await remove(temporary);
    throw error;
  }
}

/** @param {string} path */
export const remove = (path) => rm(path, { recursive: true, force: true, maxRetries: 3 });

/**
 * Size of all files below a folder that may be changing.
 * @param {string} folder
 * @returns {Promise<number>}
 */
export async function bytesIn(folder) {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      lstat(join(folder, name)).then(
        (found) => found.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
