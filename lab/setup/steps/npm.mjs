import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../child.mjs";
import { cacheFolder, checkout, node24 } from "../places.mjs";

/** @typedef {{ packages?: Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, link?: boolean }> }} Lock */

/** @type {import("../steps.mjs").Step} */
export const npmStep = {
  name: "npm",
  title: "npm packages",
  why: "what package-lock.json names, and Node 24",
  diskMB: 650,
  async check() {
    if (!existsSync(node24)) return undefined;
    const [lock, installed, node] = await Promise.all([
      readJson(join(checkout, "package-lock.json")),
      readJson(join(checkout, "node_modules/.package-lock.json")),
      readJson(join(checkout, "node_modules/node/node_modules/.package-lock.json")),
    ]);
    const fits = lock && installed && lockMatches(lock, installed) && carriesNode(lock, node);
    // Every run of the engine starts a program and three plugins; what Node compiled for one, the next need not compile again.
    const env = { NODE_COMPILE_CACHE: join(cacheFolder(), "node-compile") };
    return fits ? { path: [join(checkout, "node_modules/node/bin")], env } : undefined;
  },
  async make({ cache, at }) {
    const options = { cwd: checkout, log: join(cache, "log/npm.log"), env: quietNpm(), onLine: at };
    // Install scripts are not run: the one of `node` is called below, the others download Pulumi plugins or do nothing.
    await must("installing the npm packages", ["npm", "ci", "--ignore-scripts"], options);
    at("Node 24");
    await must("installing Node 24", [process.execPath, "installArchSpecificPackage.js"], {
      ...options,
      cwd: join(checkout, "node_modules/node"),
    });
  },
};

/** npm 9, 10 and 11 say nothing of engines, scripts, funding and audits under these. */
function quietNpm() {
  return {
    ...process.env,
    npm_config_loglevel: "error",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    npm_config_ignore_scripts: "true",
  };
}

/**
 * Whether what npm recorded in node_modules is what a lock file asks for. Packages for other systems may be missing.
 * @param {Lock} lock
 * @param {Lock} installed node_modules/.package-lock.json, which npm writes last
 */
export function lockMatches(lock, installed) {
  const wanted = Object.entries(lock.packages ?? {}).filter(([path]) => path !== "");
  const have = installed.packages ?? {};
  const complete = wanted.every(([path, entry]) => {
    const mine = have[path];
    if (!mine) return entry.optional === true || entry.devOptional === true;
    return mine.version === entry.version && (mine.integrity ?? "") === (entry.integrity ?? "");
  });
  const names = new Set(wanted.map(([path]) => path));
  return complete && wanted.length > 0 && Object.keys(have).every((path) => names.has(path));
}

/**
 * Whether the package `node` has fetched the runtime of its own version.
 * @param {Lock} lock
 * @param {Lock | undefined} node record of the npm call inside node_modules/node
 */
export function carriesNode(lock, node) {
  const version = lock.packages?.["node_modules/node"]?.version;
  return Object.entries(node?.packages ?? {}).some(
    ([path, entry]) => /^node_modules\/node-(bin-)?(linux|darwin)-/.test(path) && entry.version === version,
  );
}

/**
 * @param {string} file
 * @returns {Promise<Lock | undefined>}
 */
async function readJson(file) {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined;
  }
}
