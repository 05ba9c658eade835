import { link, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { remove } from "./stow.mjs";
import { messageOf, Trouble } from "./trouble.mjs";

/** How long one set-up waits for another, in milliseconds: a cold build on a slow machine. */
const PATIENCE = 30 * 60_000;

/**
 * Do `work` while no other process does work of the same name; what another left half made is cleared first.
 * @template T
 * @param {string} cache
 * @param {string} name
 * @param {(line: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function inTurn(cache, name, say, work) {
  const lock = join(cache, `.${name}.lock`);
  const mine = `${lock}.${process.pid}`;
  const start = Date.now();
  await mkdir(cache, { recursive: true });
  await writeFile(mine, String(process.pid));
  try {
    let told = false;
    // link() fails when the lock exists, and a lock appears with its content in it.
    while (!(await link(mine, lock).then(() => true, ifTaken))) {
      const holder = Number(await readFile(lock, "utf8").catch(() => ""));
      if (!isAlive(holder)) {
        await rm(lock, { force: true });
        continue;
      }
      if (Date.now() - start > PATIENCE)
        throw new Trouble(`waited ${PATIENCE / 60_000} min for process ${holder}, which is making ${name}`);
      if (!told) say(`${name}: process ${holder} is making it already; waiting for it`);
      told = true;
      await sleep(500);
    }
  } finally {
    await rm(mine, { force: true });
  }
  try {
    await clearHalfMade(cache);
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** @param {unknown} error */
function ifTaken(error) {
  if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
  throw new Trouble(`the cache folder cannot be used: ${messageOf(error)}`);
}

/** @param {number} pid */
export function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** @param {string} cache */
async function clearHalfMade(cache) {
  for (const name of await readdir(cache)) {
    const maker = /\.making-(\d+)$/.exec(name);
    if (!maker || isAlive(Number(maker[1]))) continue;
    // The root helper's leftovers are its own to clear.
    if ((await stat(join(cache, name)).catch(() => undefined))?.uid === process.getuid?.())
      await remove(join(cache, name));
  }
}
