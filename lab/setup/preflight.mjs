import { layers } from "./layers.mjs";
import { pins } from "./pins.mjs";
import { atLeast } from "./versions.mjs";

/** @typedef {import("./facts.mjs").Facts} Facts @typedef {import("./layers.mjs").Layer} Layer */

const SYSTEMS = "Debian or Ubuntu on x86_64";
/** @type {Readonly<Record<string, string>>} */
const PLATFORMS = { darwin: "macOS", win32: "Windows" };

/**
 * Why set-up cannot even begin, or undefined.
 * @param {Pick<Facts, "node">} facts
 */
export function refusal(facts) {
  if (!atLeast(facts.node, pins.node))
    return `needs Node ${pins.node.split(".")[0]} or newer to begin with; this is Node ${facts.node}`;
  return undefined;
}

/**
 * Why the lab cannot be had on a machine, or undefined.
 * @param {Facts} facts
 * @returns {string | undefined}
 */
export function labRefusal(facts) {
  if (facts.platform !== "linux") {
    return `the lab needs ${SYSTEMS}; this is ${PLATFORMS[facts.platform] ?? facts.platform}`;
  }
  if (!facts.osIds.some((id) => id === "debian" || id === "ubuntu"))
    return `the lab needs ${SYSTEMS}; this is ${facts.os}`;
  if (facts.arch !== "x64") return `the lab needs ${SYSTEMS}; this is ${facts.arch}`;
  if (facts.root === "none")
    return "the lab needs root: be root, or have sudo with a terminal to ask on or without a password";
  if (facts.confined)
    return "the lab makes namespaces and mounts, which root may not in this container (start it with --privileged)";
  return undefined;
}

/**
 * Why there can be no Nix on a machine, or undefined.
 * @param {Facts} facts
 * @param {{ nixReady: boolean }} have
 */
export function nixRefusal(facts, have) {
  return have.nixReady ? undefined : labRefusal(facts);
}

/**
 * Which of the wanted layers can run on a machine.
 * @param {Facts} facts
 * @param {readonly Layer[]} wanted
 * @param {{ nixReady: boolean }} have
 * @returns {{ run: Layer[], skip: { layer: Layer, reason: string }[] }}
 */
export function judgeLayers(facts, wanted, have) {
  /** @type {{ run: Layer[], skip: { layer: Layer, reason: string }[] }} */
  const verdict = { run: [], skip: [] };
  for (const layer of wanted) {
    const { needs } = layers[layer];
    const reason =
      needs === "lab" ? labRefusal(facts) : needs === "nix" ? nixRefusal(facts, have) : undefined;
    if (reason) verdict.skip.push({ layer, reason });
    else verdict.run.push(layer);
  }
  return verdict;
}

/**
 * Why there is not enough disk space for what is missing, or undefined.
 * @param {Pick<Facts, "freeMB">} facts
 * @param {readonly { title: string, diskMB: number }[]} missing
 */
export function spaceRefusal(facts, missing) {
  const need = missing.reduce((sum, step) => sum + step.diskMB, 0);
  if (need <= facts.freeMB) return undefined;
  const parts = missing.map((step) => `${step.title} ${step.diskMB} MB`).join(", ");
  return `needs ${need} MB of free disk space (${parts}); ${facts.freeMB} MB are free`;
}
