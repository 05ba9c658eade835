import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkStack } from "../../../cli/check/check.ts";
import { complete, type InitOptions, nextQuestion, withUsual } from "../../../cli/init/answers.ts";
import { installCommands, nextCommands } from "../../../cli/init/files.ts";
import { init } from "../../../cli/init/init.ts";
import { projectOf } from "../../../cli/project.ts";
import { webManifest } from "../config/samples.ts";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHmbCxm7I9nRzlBRVPD4Y9kKLcFYDjTQ0VlQTsfpH0Pf";
const image = `docker.io/library/nginx@sha256:${"0".repeat(64)}`;

let folder: string;
let said: string;
let printed: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-init-"));
  said = "";
  printed = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  for (const name of ["HCLOUD_TOKEN", "HCLOUD_ENDPOINT", "PULUMI_OPTION_CONFIG_FILE"]) vi.stubEnv(name, "");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
const read = (file: string) => readFileSync(join(folder, file), "utf8");

/** A Nix that finds the system in the flake that was written, for the platform that its text names. */
function nix(domain: string): void {
  const text = existsSync(join(folder, "system/web.nix")) ? read("system/web.nix") : "";
  const system = /hostPlatform = "([^"]+)"/.exec(text)?.[1] ?? "x86_64-linux";
  const manifest = { ...webManifest, system, virtualHosts: [{ name: domain, tls: false }] };
  const script = `case $1 in --version) echo nix 2.30 ;; eval) echo '${JSON.stringify({ names: ["web"], hosts: { web: manifest } })}' ;; *) exit 1 ;; esac`;
  const programs = mkdtempSync(join(folder, "path-"));
  writeFileSync(join(programs, "nix"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, "nix"), 0o755);
  vi.stubEnv("PATH", `${programs}${delimiter}/bin`);
}

const ofAll = [".gitignore", "Pulumi.prod.yaml", "Pulumi.yaml", "index.ts", "package.json"];
const withFlake = ["system/app/default.nix", "system/app/server.mjs", "system/flake.nix", "system/web.nix"];

describe("a project that is made without asking", () => {
  test.each<[string, InitOptions, string[], RegExp]>([
    ["a server at Hetzner", {}, [...ofAll, ...withFlake], /server:\s+type: cx23\s+location: fsn1/],
    [
      "an ARM server",
      { type: "cax11", location: "hel1" },
      [...ofAll, ...withFlake],
      /type: cax11\s+location: hel1/,
    ],
    [
      "a machine there is",
      { on: "existing", address: "198.51.100.7", hostKey },
      [...ofAll, ...withFlake],
      /existing:\s+address: 198\.51\.100\.7/,
    ],
    [
      "a flake of one's own",
      { flake: "github:ada/flake", system: "web" },
      ofAll,
      /berth:flake: github:ada\/flake/,
    ],
    [
      "a machine with Docker",
      { on: "containers", address: "2001:db8::7", hostKey, image },
      ofAll,
      /reference: docker/,
    ],
    ["Fly", { on: "fly", image, region: "sea" }, ofAll, /sea: 1/],
  ])("for %s passes berth check", async (_name, options, files, stack) => {
    await init(folder, { yes: true, name: "site", ...options });
    const written = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
    expect(written.sort()).toEqual([...files].sort());
    expect(read("Pulumi.prod.yaml")).toMatch(stack);
    nix("site.example.org");
    expect(await checkStack(projectOf(folder), "prod")).toMatchObject({ ok: true, problems: [] });
  });

  test("has a program of three lines and tells the next three commands", async () => {
    await init(folder, { yes: true });
    expect(read("index.ts").trim().split("\n")).toHaveLength(3);
    expect(read("index.ts")).toContain('export * from "berth/program";');
    expect(printed.split("\n").slice(-4)).toEqual([
      "  npm install",
      "  nix flake lock path:./system",
      "  npx berth check",
      "",
    ]);
  });

  test("fits the flake to the machine", async () => {
    await init(join(folder, "x86"), { yes: true, domain: "site.example.com" });
    await init(join(folder, "arm"), { yes: true, type: "cax11", system: "pi" });
    await init(join(folder, "metal"), { yes: true, on: "existing", address: "198.51.100.7", hostKey });
    expect(read("x86/system/web.nix")).toMatch(
      /disk-bios-uefi[\s\S]*profile-hetzner\n[\s\S]*domain = "site\.example\.com"/,
    );
    expect(read("arm/system/web.nix")).not.toMatch(/disk-bios-uefi|x86/);
    expect(read("arm/system/web.nix")).toMatch(/profile-hetzner-arm\n[\s\S]*aarch64-linux/);
    expect(read("arm/system/flake.nix")).toContain("nixosConfigurations.pi = ");
    expect(read("metal/system/web.nix")).toMatch(/profile-metal\n[\s\S]*berth\.disks\.main\.device/);
  });

  test("overwrites nothing, and says what it kept", async () => {
    mkdirSync(join(folder, "system"));
    writeFileSync(join(folder, "index.ts"), "mine\n");
    writeFileSync(join(folder, "system/flake.nix"), "{ }\n");
    writeFileSync(join(folder, "package.json"), '{ "dependencies": { "berth": "file:x" } }');
    await init(folder, { yes: true });
    expect([read("index.ts"), read("system/flake.nix")]).toEqual(["mine\n", "{ }\n"]);
    expect(said).toContain("kept index.ts, which was there");
    expect(said).toMatch(/by hand: index\.ts, package\.json, system\/flake\.nix\n$/);
    expect(printed).toMatch(/^Next:\n(?: {2}cd .*\n)? {2}npm pkg set type=module\n {2}npm install\n/);
  });

  test("twice is the same as once", async () => {
    await init(folder, { yes: true });
    const before = read("Pulumi.prod.yaml");
    await init(folder, { yes: true, type: "cx53" });
    expect(read("Pulumi.prod.yaml")).toBe(before);
  });

  test("without a terminal and without --yes is none", async () => {
    await expect(init(folder, {})).rejects.toThrow(
      /nobody sits at a terminal\. Nothing was written\. Next: .*--yes/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("the answers", () => {
  const asked = (known: InitOptions): string[] => {
    const keys: string[] = [];
    const all = { ...known };
    for (let next = nextQuestion(all, "My Site"); next; next = nextQuestion(all, "My Site")) {
      keys.push(next.key);
      Object.assign(all, { [next.key]: next.usual ?? "x" });
    }
    return keys;
  };

  test.each<[InitOptions, string[]]>([
    [{}, ["name", "stack", "on", "domain", "type", "location"]],
    [{ on: "existing" }, ["name", "stack", "domain", "address", "hostKey"]],
    [{ on: "containers", name: "a" }, ["stack", "address", "hostKey", "image"]],
    [{ on: "fly", name: "a", stack: "b", image }, ["region"]],
    [{ on: "hetzner", name: "a", stack: "b", domain: "c.d", type: "cx23", location: "fsn1" }, []],
  ])("%j: what is left is asked", (known, expected) => {
    expect(asked(known)).toEqual(expected);
  });

  test("have what is usual, the name after the folder", () => {
    expect(withUsual({}, "My Site_2")).toEqual({
      ...{ on: "hetzner", name: "my-site-2", stack: "prod", system: "web" },
      ...{ domain: "my-site-2.example.org", type: "cx23", location: "fsn1" },
    });
    expect(withUsual({}, "---").name).toBe("site");
  });

  test.each<[string, InitOptions, RegExp]>([
    ["a host key that nobody gave", { on: "existing", address: "198.51.100.7" }, /--host-key is missing/],
    [
      "an image by its tag",
      { on: "fly", image: "nginx:latest" },
      /--image nginx:latest: an image by its digest/,
    ],
    ["a type that is not sold", { type: "cx99" }, /--type cx99: one of cx23, /],
    [
      "a place where it is not sold",
      { type: "cx23", location: "ash" },
      /--location ash: one of fsn1, nbg1, hel1/,
    ],
    ["a name", { name: "My Site" }, /--name My Site: letters a-z/],
    ["no domain", { domain: "a b" }, /--domain a b: /],
  ])("are refused: %s", (_name, options, message) => {
    expect(() => withUsual(options, "site")).toThrow(message);
  });

  test("of no concern where the app runs are passed over", () => {
    expect(
      complete({ on: "fly", name: "a", stack: "b", region: "fra", image, type: "cx99" }, "a"),
    ).toMatchObject({
      on: "fly",
    });
  });
});

test.each([
  [{ isModule: true, depends: true, installed: false }, ["npm install"]],
  [{ isModule: true, depends: true, installed: true }, []],
  [{ isModule: false, depends: true, installed: true }, ["npm pkg set type=module"]],
  [{ isModule: false, depends: false, installed: false }, ["npm pkg set type=module", "npm install file:x"]],
])("npm is told what it does not know: %j", (facts, expected) => {
  expect(installCommands(facts, "file:x")).toEqual(expected);
});

test("where no flake was written, the machine is looked at in its place", () => {
  expect(nextCommands(withUsual({ on: "fly", image }, "site"), ["npm install"])).toEqual([
    "npm install",
    "npx berth doctor",
    "npx berth check",
  ]);
});
