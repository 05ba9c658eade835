/** What is in the npm package beside what tsc makes of the TypeScript: globs from the root of the checkout. */
export const files = [
  "LICENSE",
  "README.md",
  "bin/*",
  "cli/**/*.css",
  "cli/**/client/*.js",
  "deployer/**/*.sh",
  "deployer/install/ssh-shim",
  "provider/pulumi-resource-berth",
  "nixos/**",
  "templates/**",
];

/** A package.json, as far as it matters here. */
export interface Manifest {
  name: string;
  version: string;
  exports: Record<string, string>;
  dependencies: Record<string, string>;
  [key: string]: unknown;
}

/** What is only of use in a checkout. */
const ofTheCheckout = ["scripts", "devDependencies", "engines", "main", "exports"];

/** The package's own package.json. It stays private: whoever publishes it chooses a name that is theirs, and takes that away. */
export function packagedManifest(checkout: Manifest): Manifest {
  const kept = Object.entries(checkout).filter(([key]) => !ofTheCheckout.includes(key));
  return {
    ...(Object.fromEntries(kept) as Manifest),
    // A program in TypeScript of one's own needs a Node that strips types.
    engines: { node: ">=24" },
    main: "./library.js",
    types: "./library.d.ts",
    exports: Object.fromEntries(
      Object.entries(checkout.exports).map(([name, file]) => [name, built(file)]),
    ) as unknown as Record<string, string>,
    files: ["**"],
  };
}

const built = (file: string): unknown =>
  file.endsWith(".ts")
    ? { types: file.replace(/\.ts$/, ".d.ts"), default: file.replace(/\.ts$/, ".js") }
    : file;

/** Inputs of `packaging/flake.nix`, which are among those of the repository's flake. */
export const flakeInputs = ["nixpkgs", "disko"];

/** A flake.lock, as far as it matters here. */
export interface FlakeLock {
  root: string;
  nodes: Record<string, { inputs?: Record<string, string | string[]> }>;
  [key: string]: unknown;
}

/** The repository's lock file with these inputs and what they need; one with more would count as out of date. */
export function lockOf(lock: FlakeLock, inputs: readonly string[]): FlakeLock {
  const root = lock.nodes[lock.root];
  const kept = Object.entries(root?.inputs ?? {}).filter(([name]) => inputs.includes(name));
  const nodes: FlakeLock["nodes"] = { [lock.root]: { ...root, inputs: Object.fromEntries(kept) } };
  const waiting = kept.map(([, node]) => node);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    // A list is the way to an input of the root's, which is kept for itself.
    const node = typeof next === "string" ? lock.nodes[next] : undefined;
    if (typeof next !== "string" || !node || Object.hasOwn(nodes, next)) continue;
    nodes[next] = node;
    waiting.push(...Object.values(node.inputs ?? {}));
  }
  return { ...lock, nodes };
}
