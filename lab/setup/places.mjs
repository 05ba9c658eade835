import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this set-up belongs to. */
export const checkout = realpathSync(resolve(dirname(fileURLToPath(import.meta.url)), "../.."));

/** Node 24, from the npm package `node`. */
export const node24 = join(checkout, "node_modules/node/bin/node");

/**
 * Where downloads and builds are kept between checkouts.
 * @param {NodeJS.ProcessEnv} env
 */
export function cacheFolder(env = process.env) {
  // The base directory specification says that a relative XDG_CACHE_HOME is to be ignored.
  const base = env.XDG_CACHE_HOME?.startsWith("/")
    ? env.XDG_CACHE_HOME
    : join(env.HOME || homedir(), ".cache");
  return join(base, "berth");
}

/**
 * The lab's folder: BERTH_LAB, or `.lab` in the checkout.
 * @param {NodeJS.ProcessEnv} env
 */
export function labFolder(env = process.env) {
  return env.BERTH_LAB ? resolve(checkout, env.BERTH_LAB) : join(checkout, ".lab");
}

/** Folders of programs for root, which a user's PATH often lacks. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/**
 * Absolute path of a program on PATH or in the system's folders.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function onPath(name, env = process.env) {
  return [...(env.PATH ?? "").split(":"), ...SYSTEM_FOLDERS]
    .filter((folder) => folder.startsWith("/"))
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/**
 * The closest folder of a path that exists.
 * @param {string} path
 * @returns {string}
 */
export function nearestExisting(path) {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}
