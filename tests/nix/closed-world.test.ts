import {
  access,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type HostManifest, manifest } from "../../config/manifest.ts";
import { foresee } from "../../deployer/compare/foresee.ts";
import { compareSystems } from "../../deployer/compare/systems.ts";
import { type LaidOutFlake, layOutFlake } from "../../lab/system/layout.ts";

const node = dirname(process.execPath);

let folder: string;
let flake: LaidOutFlake;

/** An app without packages whose "build" is one line, so that the tests are about the flake. */
async function makeApp(app: string): Promise<void> {
  await mkdir(app);
  const build = "mkdir -p build && cp page.js build/index.js";
  const about = { name: "tiny", version: "2.0.0", private: true };
  await writeFile(join(app, "package.json"), JSON.stringify({ ...about, scripts: { build } }));
  const root = { "": { name: about.name, version: about.version } };
  await writeFile(
    join(app, "package-lock.json"),
    JSON.stringify({ ...about, lockfileVersion: 3, packages: root }),
  );
  await writeFile(join(app, "page.js"), 'console.log("first");\n');
}

const nix = (...args: string[]) =>
  execa("nix", ["--extra-experimental-features", "nix-command flakes", ...args], {
    reject: false,
    timeout: 120_000,
  });

async function build(attribute: string): Promise<string> {
  const result = await nix("build", "--no-link", "--print-out-paths", `${flake.reference}#${attribute}`);
  if (result.exitCode !== 0) throw new Error(result.stderr);
  return result.stdout.trim();
}

const toplevel = "nixosConfigurations.web.config.system.build.toplevel";
const diskoScript = "nixosConfigurations.web.config.system.build.diskoScript";

async function readManifest(): Promise<HostManifest> {
  const result = await nix("eval", "--json", `${flake.reference}#berth.hosts`);
  if (result.exitCode !== 0) throw new Error(result.stderr);
  const { web } = manifest.parse(JSON.parse(result.stdout));
  if (web === undefined) throw new Error("no host web");
  return web;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "closed-world-"));
  await makeApp(join(folder, "app"));
});
beforeEach(async () => {
  flake = await layOutFlake({
    lab: join(folder, "lab"),
    cache: join(folder, "cache"),
    node,
    app: join(folder, "app"),
    refreshSite: true,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the closed-world flake", () => {
  test("its manifest has the shape a stack expects, with the paths that are built", async () => {
    const web = await readManifest();
    expect(web.ports).toEqual({ tcp: [22, 80], udp: [] });
    expect(web.toplevel.out).toBe(await build(toplevel));
    expect(web.diskoScript.out).toBe(await build(diskoScript));
    expect(web.kexecTarball?.out).toBe(await build(`packages.${web.system}.kexec`));
    expect(web.health).toEqual([
      { http: "http://site.lab/healthz", status: 200, body: await build(`packages.${web.system}.site`) },
    ]);
  });

  test("its manifest is read without building, and what it names can be built afterwards", async () => {
    await writeFile(join(flake.site, "page.js"), `// ${Math.random()}\n`);
    const web = await readManifest();
    await expect(access(web.toplevel.out)).rejects.toThrow();
    const built = await nix("build", "--no-link", "--print-out-paths", `${web.toplevel.drvPath}^out`);
    expect(built.stdout.trim()).toBe(web.toplevel.out);
  });

  test("a changed line of the app is another release", async () => {
    const before = await readManifest();
    await writeFile(join(flake.site, "page.js"), 'console.log("second");\n');
    const after = await readManifest();
    expect(after.toplevel.out).not.toBe(before.toplevel.out);
    expect(after.health[0]?.body).not.toBe(before.health[0]?.body);
    expect(after.diskoScript).toEqual(before.diskoScript);
    const site = await build(`packages.${after.system}.site`);
    expect(await readFile(join(site, "build/index.js"), "utf8")).toBe('console.log("second");\n');
  });

  test("a preview tells what another release changes, once it is built", async () => {
    const before = await build(toplevel);
    await writeFile(join(flake.site, "page.js"), `console.log(${JSON.stringify("longer".repeat(200))});\n`);
    const after = (await readManifest()).toplevel.out;
    expect(await foresee(before, after)).toMatch(/^switch; not built yet/);
    await build(toplevel);
    expect(await foresee(before, after)).toMatch(
      /^switch; reloads site; \d packages? changed; [\d.]+ [kM]B \(\+1\.\d kB\)$/,
    );
    expect(await foresee(undefined, after)).toMatch(/^first deployment; \d+ paths, /);
    const { units, reboot } = await compareSystems(before, after);
    expect(units).toEqual([
      { unit: "site.service", verb: "reload" },
      { unit: "site@.service", verb: "leave" },
    ]);
    expect(reboot).toEqual([]);
  });

  test("what is not the app's source is not a release", async () => {
    const before = await readManifest();
    await writeFile(join(flake.site, "README.md"), "words\n");
    await mkdir(join(flake.site, "build"));
    await writeFile(join(flake.site, "build/index.js"), "built by hand\n");
    expect(await readManifest()).toEqual(before);
  });

  test("an app that does not build fails in Nix, with its build's words", async () => {
    await rm(join(flake.site, "page.js"));
    const result = await nix("build", "--no-link", `${flake.reference}#${toplevel}`);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/page\.js.*No such file/);
  });

  test("an app that needs packages when it runs is refused in words", async () => {
    const file = join(flake.site, "package.json");
    const about = JSON.parse(await readFile(file, "utf8"));
    await writeFile(file, JSON.stringify({ ...about, dependencies: { express: "5" } }));
    const result = await nix("eval", `${flake.reference}#${toplevel}.outPath`);
    expect(result.stderr).toMatch(/needs express when it runs.*devDependencies/);
  });

  test("building again gives the same bytes", async () => {
    const { system } = await readManifest();
    const outputs = [toplevel, diskoScript, `packages.${system}.kexec`];
    await Promise.all(outputs.map(build));
    const again = await nix(
      "build",
      "--no-link",
      "--rebuild",
      ...outputs.map((name) => `${flake.reference}#${name}`),
    );
    expect(again.stderr).not.toMatch(/may not be deterministic/);
    expect(again.exitCode).toBe(0);
  });

  test("nixos-anywhere finds every attribute that it asks a configuration for", async () => {
    for (const attribute of ["substituters", "trusted-public-keys"]) {
      const asked = `${flake.reference}#nixosConfigurations."web".config.nix.settings.${attribute}`;
      const result = await nix("eval", "--apply", "toString", asked);
      expect([result.stdout, result.exitCode]).toEqual(['""', 0]);
    }
  });

  test("a system has what NixOS and its tools expect of one", async () => {
    const system = await build(toplevel);
    for (const program of ["init", "activate", "bin/switch-to-configuration"]) {
      expect((await stat(join(system, program))).mode & 0o111).toBe(0o111);
    }
    expect(await readFile(join(system, "system"), "utf8")).toMatch(/^(x86_64|aarch64)-linux$/);
    expect(await readFile(join(system, "etc/os-release"), "utf8")).toMatch(/^ID=nixos$/m);
    expect(await readdir(system)).toEqual(
      expect.arrayContaining(["kernel", "initrd", "kernel-modules", "kernel-params", "nixos-version"]),
    );
    expect(await readlink(join(system, "kernel"))).toMatch(/^\/nix\/store\//);
  });

  test("the app runs in the sandbox that the real flake gives it", async () => {
    const unit = await readFile(join(await build(toplevel), "etc/systemd/system/site@.service"), "utf8");
    const wanted = await nix(
      "eval",
      "--json",
      "--file",
      new URL("../../nixos/services/hardening.nix", import.meta.url).pathname,
    );
    const lines = unit.split("\n");
    for (const [key, value] of Object.entries(JSON.parse(wanted.stdout))) {
      for (const item of [value].flat()) expect(lines).toContain(`${key}=${item}`);
    }
  });

  test("the disko script wipes nothing on a machine that is not the lab's", async () => {
    const script = await build(diskoScript);
    const disk = await stat("/run/lab/disk").catch(() => null);
    expect(disk).toBeNull();
    const result = await execa(script, { reject: false });
    expect([result.exitCode, result.stderr]).toEqual([
      1,
      expect.stringMatching(/no disk at \/run\/lab\/disk/),
    ]);
  });

  test("the kexec tarball does nothing on a machine that is not the lab's", async () => {
    const { kexecTarball, system } = await readManifest();
    await build(`packages.${system}.kexec`);
    const unpacked = join(folder, "unpacked");
    await mkdir(unpacked);
    await cp(kexecTarball?.out ?? "", join(unpacked, "k.tar.gz"));
    await execa("tar", ["-xzf", "k.tar.gz"], { cwd: unpacked });
    const result = await execa(join(unpacked, "kexec/run"), ["--kexec-extra-flags", ""], { reject: false });
    expect([result.exitCode, result.stderr]).toEqual([1, expect.stringMatching(/lab's machines only/)]);
  });
});
