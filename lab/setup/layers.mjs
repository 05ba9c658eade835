/**
 * The layers of `npm test`, in the order they run.
 * @typedef {"check" | "unit" | "components" | "lab" | "e2e" | "nix"} Layer
 */

/**
 * What has to be there before a layer can run. `lab` stands for everything a machine of the lab needs, root too.
 * @type {Readonly<Record<Layer, { needs: import("./steps.mjs").Need, about: string }>>}
 */
export const layers = Object.freeze({
  check: { needs: "npm", about: "formatter, linter and types" },
  unit: { needs: "npm", about: "pure decisions" },
  components: { needs: "npm", about: "the Pulumi program under mocks" },
  lab: { needs: "lab", about: "the simulated cloud and its machines, with real clients" },
  e2e: { needs: "lab", about: "whole updates against the lab" },
  nix: { needs: "nix", about: "the flakes" },
});

export const layerNames = /** @type {Layer[]} */ (Object.keys(layers));

/**
 * What `npm test` was asked to run.
 * @param {readonly string[]} argv layers and vitest filters in any order, e.g. ["unit", "deployer/ssh", "-t", "strict"]
 * @returns {{ layers: Layer[], rest: string[] }} no layer named means all of them
 */
export function chooseLayers(argv) {
  const isLayer = (/** @type {string} */ word) => Object.hasOwn(layers, word);
  const first = argv.findIndex((word) => !isLayer(word));
  const named = first === -1 ? argv : argv.slice(0, first);
  return {
    layers: named.length > 0 ? layerNames.filter((name) => named.includes(name)) : layerNames,
    rest: argv.slice(named.length),
  };
}
