import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LayOutOptions, layOutFlake, modulesName } from "../../../../lab/system/layout.ts";

let folder: string;
let options: LayOutOptions;

/** Puts a program named npm before the real one. */
async function npm(script: string): Promise<void> {
  const file = join(folder, "node/npm");
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "layout-"));
  options = {
    lab: join(folder, "lab"),
    cache: join(folder, "cache"),
    node: join(folder, "node"),
    app: join(folder, "app"),
  };
  for (const name of ["node", "cache", "app/src", "app/node_modules/left-pad", "app/build"]) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, "app/package.json"), "{}");
  await writeFile(join(folder, "app/package-lock.json"), "one");
  await writeFile(join(folder, "app/src/page.ts"), "first");
  await npm('echo run >>../npm-runs; mkdir -p "node_modules/$(cat package-lock.json)"');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const page = (flake: { site: string }) => join(flake.site, "src/page.ts");
const npmRuns = async () => (await readFile(join(folder, "cache/npm-runs"), "utf8")).split("\n").length - 1;

describe("laying out the closed-world flake", () => {
  test("the flake has its Nix files, the shared data and the app's source, and nothing that was built", async () => {
    const flake = await layOutFlake(options);
    expect(flake.reference).toBe(`path:${join(folder, "lab/flake")}`);
    const names = await readdir(flake.folder);
    expect(names).toEqual(expect.arrayContaining(["flake.nix", "lab.json", "nixos", "site", "toplevel"]));
    expect(names).not.toContain("layout.ts");
    expect(names).not.toContain("installer");
    expect((await readdir(flake.site)).sort()).toEqual(["package-lock.json", "package.json", "src"]);
    expect(await readFile(join(flake.folder, "nixos/services/hardening.nix"), "utf8")).toContain(
      "DynamicUser",
    );
  });

  test("the ACME server it was told of is known until another is named", async () => {
    const facts = async () =>
      JSON.parse(await readFile(join(options.lab, "flake/lab.json"), "utf8")).acme as unknown;
    const acme = { directory: "https://10.87.12.4:14000/dir", root: "PEM" };
    await layOutFlake({ ...options, acme });
    await layOutFlake(options);
    expect(await facts()).toEqual(acme);
    await layOutFlake({ ...options, acme: null });
    expect(await facts()).toBeNull();
  });

  test("the flake is told this machine's facts", async () => {
    const flake = await layOutFlake(options);
    expect(JSON.parse(await readFile(join(flake.folder, "lab.json"), "utf8"))).toEqual({
      system: process.arch === "arm64" ? "aarch64-linux" : "x86_64-linux",
      node: join(folder, "node"),
      siteModules: join(folder, "cache", modulesName("one"), "node_modules"),
      // Three, because the C library reads no more.
      resolvers: ["185.12.64.1", "185.12.64.2", "2a01:4ff:ff00::add:1"],
      acme: null,
    });
  });

  test("an app that was changed by hand stays changed", async () => {
    const flake = await layOutFlake(options);
    await writeFile(page(flake), "by hand");
    await layOutFlake(options);
    expect(await readFile(page(flake), "utf8")).toBe("by hand");
  });

  test("asked to, it puts the app's source back and removes what was added", async () => {
    const flake = await layOutFlake(options);
    await writeFile(page(flake), "by hand");
    await writeFile(join(flake.site, "src/added.ts"), "");
    await layOutFlake({ ...options, refreshSite: true });
    expect(await readFile(page(flake), "utf8")).toBe("first");
    expect(await readdir(join(flake.site, "src"))).toEqual(["page.ts"]);
  });

  test("what an older checkout laid out is removed", async () => {
    const flake = await layOutFlake(options);
    await writeFile(join(flake.folder, "old.nix"), "");
    await layOutFlake(options);
    expect(await readdir(flake.folder)).not.toContain("old.nix");
  });

  test("the packages of one lock file are installed once, those of another anew", async () => {
    const flake = await layOutFlake(options);
    await layOutFlake(options);
    expect(await npmRuns()).toBe(1);
    await writeFile(join(flake.site, "package-lock.json"), "two");
    await layOutFlake(options);
    expect(await npmRuns()).toBe(2);
    expect(await readdir(join(folder, "cache", modulesName("two"), "node_modules"))).toEqual(["two"]);
  });

  test("a failed installation is told with npm's words and leaves nothing that looks finished", async () => {
    await npm("echo 'npm error 404 no such package' >&2; exit 1");
    await expect(layOutFlake(options)).rejects.toThrow(/npm ci for the app.*404 no such package/s);
    expect(await readdir(join(folder, "cache"))).toEqual([]);
  });

  test("what a killed installation left is removed by the next", async () => {
    const left = join(folder, "cache", `${modulesName("one")}.partial-999999999`);
    await mkdir(left);
    await layOutFlake(options);
    expect(await readdir(join(folder, "cache"))).not.toContain(left.split("/").at(-1));
  });
});
