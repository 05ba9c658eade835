import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { flakeCopy, has, nixFiles, output, repository } from "./nix.ts";

// What can be held to account with Nix alone, without nixpkgs.
const nix = await has("nix");
const needsNix = "needs nix on PATH";

async function evaluate(file: string): Promise<unknown> {
  return JSON.parse(
    await output("nix-instantiate", ["--eval", "--strict", "--json", join(repository, file)]),
  );
}

test("every Nix file parses", async (ctx) => {
  if (!nix) return ctx.skip(needsNix);
  const files = await nixFiles();
  expect(files).toContain("flake.nix");
  expect(files).toContain("configurations/web/default.nix");
  await output("nix-instantiate", ["--parse", ...files.map((file) => join(repository, file))]);
});

test("the lock file covers every input, pins it by hash and needs no update", async (ctx) => {
  if (!nix) return ctx.skip(needsNix);
  await using flake = await flakeCopy();
  const metadata = z
    .object({
      locks: z.object({
        nodes: z.record(
          z.string(),
          z.object({
            inputs: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
            locked: z.object({ rev: z.string(), narHash: z.string() }).optional(),
          }),
        ),
      }),
    })
    .parse(
      JSON.parse(
        await output("nix", [
          "flake",
          "metadata",
          "--json",
          "--offline",
          "--no-update-lock-file",
          `path:${flake.folder}`,
        ]),
      ),
    );
  const { root, ...inputs } = metadata.locks.nodes;
  expect(Object.keys(inputs).sort()).toEqual(["disko", "nixpkgs", "srvos"]);
  expect(root?.inputs).toEqual({ disko: "disko", nixpkgs: "nixpkgs", srvos: "srvos" });
  for (const input of Object.values(inputs)) {
    expect(input.locked?.rev).toMatch(/^[0-9a-f]{40}$/);
    expect(input.locked?.narHash).toMatch(/^sha256-[A-Za-z0-9+/]{43}=$/);
  }
  for (const name of ["disko", "srvos"])
    expect(inputs[name]?.inputs, `${name} brings no nixpkgs of its own`).toEqual({ nixpkgs: ["nixpkgs"] });
});

test.each(["site", "spa"])(
  "%s's lock file pins every package by hash and names no download address",
  async (app) => {
    const lock = z
      .object({
        packages: z.record(
          z.string(),
          z.object({ integrity: z.string().optional(), resolved: z.string().optional() }),
        ),
      })
      .parse(JSON.parse(await readFile(join(repository, "apps", app, "package-lock.json"), "utf8")));
    const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
    expect(packages.length).toBeGreaterThan(40);
    for (const [path, { integrity, resolved }] of packages) {
      expect(integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(resolved, path).toBeUndefined();
    }
  },
);

test("the sandbox of web apps is plain data with every wall in place", async (ctx) => {
  if (!nix) return ctx.skip(needsNix);
  expect(await evaluate("nixos/services/hardening.nix")).toEqual({
    Type: "simple",
    Restart: "always",
    DynamicUser: true,
    ProtectHome: "tmpfs",
    PrivateTmp: true,
    PrivateBPF: true,
    PrivateDevices: true,
    PrivateMounts: true,
    PrivateUsers: true,
    ProtectKernelLogs: true,
    ProtectKernelModules: true,
    ProtectKernelTunables: true,
    ProtectClock: true,
    ProtectProc: "noaccess",
    ProtectHostname: true,
    ProtectControlGroups: true,
    ProcSubset: "pid",
    SystemCallArchitectures: "native",
    SystemCallFilter: ["@system-service", "~@privileged"],
    RestrictNamespaces: true,
    RestrictAddressFamilies: ["AF_INET", "AF_INET6", "AF_UNIX"],
    RestrictRealtime: true,
    LockPersonality: true,
    CapabilityBoundingSet: "",
    IPAddressAllow: "localhost",
    DeviceAllow: "/dev/stdin r",
    DevicePolicy: "closed",
    UMask: "0027",
  });
});

test("modules can be had without a flake, each under the name that its path gives", async (ctx) => {
  if (!nix) return ctx.skip(needsNix);
  const expression = `builtins.mapAttrs (_: toString) (import ${join(repository, "nixos")})`;
  const modules = z
    .record(z.string(), z.string())
    .parse(
      JSON.parse(await output("nix-instantiate", ["--eval", "--strict", "--json", "--expr", expression])),
    );
  for (const [name, path] of Object.entries(modules)) {
    const file = path.slice(join(repository, "nixos/").length).replace(/\.nix$/, "");
    expect(name).toBe(
      file
        .replace(/^services\//, "")
        .replace(/^profiles\//, "profile-")
        .replace(/^disks\//, "disk-"),
    );
    await expect(output("nix-instantiate", ["--parse", path]), path).resolves.toBeDefined();
  }
});
