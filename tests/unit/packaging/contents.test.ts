import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type FlakeLock,
  files,
  flakeInputs,
  lockOf,
  type Manifest,
  packagedManifest,
} from "../../../packaging/contents.ts";

const checkout = join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(checkout, file), "utf8");
const manifest = JSON.parse(read("package.json")) as Manifest;

test("the package's package.json names JavaScript with its types, and nothing of the checkout's", () => {
  const packed = packagedManifest(manifest);
  expect(packed).toMatchObject({
    name: "berth",
    private: true,
    type: "module",
    bin: { berth: "bin/berth" },
    dependencies: manifest.dependencies,
    engines: { node: ">=24" },
    exports: {
      ".": { types: "./library.d.ts", default: "./library.js" },
      "./program": { types: "./index.d.ts", default: "./index.js" },
      "./package.json": "./package.json",
    },
  });
  expect(Object.keys(packed)).not.toEqual(expect.arrayContaining(["scripts"]));
  expect(JSON.stringify(packed)).not.toMatch(/vitest|biome/);
});

/** Folders whose TypeScript is the program. */
const program = ["cli", "components", "config", "deployer", "provider"];
const sources = [
  "index.ts",
  "library.ts",
  ...program.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: checkout })),
];

test("what the program imports is a dependency that people get", () => {
  const imported = sources.flatMap((file) =>
    [...read(file).matchAll(/^(?:import|export) (?!type\b)[^;]*?from "([^."][^"]*)"/gm)].map(
      ([, name]) => name ?? "",
    ),
  );
  const packages = imported
    .filter((name) => !name.startsWith("node:") && !builtinModules.includes(name))
    .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
  expect(packages).toContain("zod");
  // What `berth init` writes imports the package itself.
  const had = [manifest.name, ...Object.keys(manifest.dependencies)];
  expect([...new Set(packages)].filter((name) => !had.includes(name))).toEqual([]);
});

describe("beside TypeScript", () => {
  const packed = files.flatMap((pattern) => globSync(pattern, { cwd: checkout }));

  test("all that lies in the program's folders is in the package", () => {
    const there = program
      .flatMap((folder) => globSync(`${folder}/**/*`, { cwd: checkout }))
      .filter((file) => statSync(join(checkout, file)).isFile());
    // JSON is emitted with what imports it.
    const others = there.filter((file) => !/\.(ts|json)$/.test(file));
    expect(others.length).toBeGreaterThan(50);
    expect(others.filter((file) => !packed.includes(file))).toEqual([]);
  });

  test("no pattern is left without a file", () => {
    expect(files.filter((pattern) => globSync(pattern, { cwd: checkout }).length === 0)).toEqual([]);
  });

  test("the modules read no file that is outside of the package", () => {
    const modules = packed.filter((file) => file.startsWith("nixos/") && file.endsWith(".nix"));
    const above = modules.flatMap((file) =>
      [...read(file).matchAll(/(?<=[\s([])\.\.\/[\w./-]+/g)].map(([path]) => join(file, "..", path)),
    );
    expect(above.length).toBeGreaterThan(3);
    const packaged = (path: string) => path.startsWith("nixos/") && existsSync(join(checkout, path));
    expect(above.filter((path) => !packaged(path))).toEqual([]);
  });
});

describe("the package's flake", () => {
  const input = (text: string, name: string) =>
    new RegExp(`${name}(?:\\.url = |\\s*=\\s*\\{\\s*url = )"([^"]+)"`).exec(text)?.[1];

  test("has inputs of the repository's flake", () => {
    for (const name of flakeInputs) {
      const theirs = input(read("packaging/flake.nix"), name);
      expect(theirs).toMatch(/^github:/);
      expect(theirs).toBe(input(read("flake.nix"), name));
    }
  });

  test("has a lock file of these inputs alone, each at the repository's commit", () => {
    const whole = JSON.parse(read("flake.lock")) as FlakeLock;
    const lock = lockOf(whole, flakeInputs);
    expect(Object.keys(lock.nodes).sort()).toEqual(["disko", "nixpkgs", "root"]);
    expect(lock.nodes["root"]?.inputs).toEqual({ disko: "disko", nixpkgs: "nixpkgs" });
    for (const name of flakeInputs) expect(lock.nodes[name]).toEqual(whole.nodes[name]);
  });

  test("keeps what its inputs need", () => {
    const node = (inputs?: Record<string, string | string[]>) => (inputs ? { inputs } : {});
    const lock: FlakeLock = {
      root: "root",
      nodes: {
        root: node({ a: "a", b: "b", c: "c" }),
        a: node({ deep: "deep", nixpkgs: ["c"] }),
        deep: node({ a: "a" }),
        b: node({ gone: "gone" }),
        gone: node(),
        c: node(),
      },
    };
    expect(Object.keys(lockOf(lock, ["a", "c"]).nodes).sort()).toEqual(["a", "c", "deep", "root"]);
  });
});
