import { readFileSync } from "node:fs";
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
  await writeFile(mine, `${process.pid} ${lifeOf(process.pid)}`);
  try {
    let told = false;
    // link() fails when the lock exists, and a lock appears with its content in it.
    while (!(await link(mine, lock).then(() => true, ifTaken))) {
      const held = await readFile(lock, "utf8").catch(() => undefined);
      if (held === undefined) continue;
      const [holder, life = ""] = held.split(" ");
      if (lifeOf(Number(holder)) !== life) {
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

/**
 * What tells a living process from a later one with the same id: when it started, where the system says so.
 * @param {number} pid
 * @returns {string | undefined} undefined when it is dead; a zombie is
 */
export function lifeOf(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return undefined;
  }
  if (process.platform !== "linux") return "alive";
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** @param {string} cache */
async function clearHalfMade(cache) {
  for (const name of await readdir(cache)) {
    const maker = /\.making-(\d+)$/.exec(name);
    if (!maker || lifeOf(Number(maker[1])) !== undefined) continue;
    // The root helper's leftovers are its own to clear.
    if ((await stat(join(cache, name)).catch(() => undefined))?.uid === process.getuid?.())
      await remove(join(cache, name));
  }
}
