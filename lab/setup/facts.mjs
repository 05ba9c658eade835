import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { run } from "./child.mjs";
import { nearestExisting, onPath } from "./places.mjs";
import { messageOf, Trouble } from "./trouble.mjs";

/**
 * What the machine is like.
 * @typedef {object} Facts
 * @property {string} platform as Node names it
 * @property {string} arch as Node names it
 * @property {string} node version
 * @property {string} os for people, "Debian GNU/Linux 12 (bookworm)"
 * @property {string[]} osIds ID and ID_LIKE of os-release
 * @property {"root" | "sudo" | "asks" | "none"} root: is root; sudo works at once; sudo would ask on this terminal; cannot be had
 * @property {boolean} confined root, but without the right to make namespaces and mounts
 * @property {number} freeMB free disk space where the cache is
 */

/** CAP_SYS_ADMIN's bit in /proc/self/status. */
const SYS_ADMIN = 1n << 21n;

/**
 * Look at the machine. BERTH_SETUP_FACTS, a JSON object of facts, is believed over what is seen (tests play other machines with it).
 * @param {string} cache
 * @returns {Promise<Facts>}
 */
export async function gatherFacts(cache) {
  const release = osRelease();
  const { bavail, bsize } = await statfs(nearestExisting(cache));
  return {
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    os: release.PRETTY_NAME ?? process.platform,
    osIds: [release.ID ?? "", ...(release.ID_LIKE ?? "").split(" ")].filter(Boolean),
    root: await rootAccess(),
    confined: process.getuid?.() === 0 && !canAdministrate(),
    freeMB: Math.floor((bavail * bsize) / 1_000_000),
    ...pretended(),
  };
}

/** @returns {Partial<Facts>} */
function pretended() {
  const text = process.env.BERTH_SETUP_FACTS;
  if (!text) return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Trouble(`BERTH_SETUP_FACTS is not JSON: ${messageOf(error)}`);
  }
}

/** What os-release says; nothing where there is none. @returns {Record<string, string>} */
export function osRelease() {
  try {
    return parseOsRelease(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return {};
  }
}

/**
 * @param {string} text of an os-release file
 * @returns {Record<string, string>}
 */
export function parseOsRelease(text) {
  return Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const found = /^([A-Z_]+)=(["']?)(.*)\2\s*$/.exec(line);
      return found?.[1] ? [[found[1], found[3] ?? ""]] : [];
    }),
  );
}

/** @returns {Promise<Facts["root"]>} */
async function rootAccess() {
  if (process.getuid?.() === 0) return "root";
  if (!onPath("sudo")) return "none";
  const { code } = await run(["sudo", "-n", "true"], { deadline: 10_000 });
  if (code === 0) return "sudo";
  return process.stdin.isTTY ? "asks" : "none";
}

function canAdministrate() {
  try {
    const found = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
    return found?.[1] === undefined || (BigInt(`0x${found[1]}`) & SYS_ADMIN) !== 0n;
  } catch {
    return true;
  }
}
