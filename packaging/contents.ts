/** What is in the npm package beside what tsc makes of the TypeScript: globs from the root of the checkout. */
export const files = [
  "LICENSE",
  "README.md",
  "bin/*",
  "deployer/**/*.sh",
  "deployer/install/ssh-shim",
  "provider/pulumi-resource-berth",
  "nixos/**",
  "templates/**",
  // Beside `packaging/flake.nix`, whose inputs are among those of the repository's.
  "flake.lock",
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
