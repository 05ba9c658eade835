import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { manifest } from "../../config/manifest.ts";
import { asInput, type Evaluation, evaluated, openFlake, repository } from "./nix.ts";

// Berth from another flake, and without any: the template as somebody would start from it, outside the repository.
let flake: Evaluation;

beforeAll(async () => {
  flake = await openFlake();
});
afterAll(() => flake[Symbol.asyncDispose]());

test("the template is a flake whose host a stack can name, with nothing refused and nothing warned of", async (ctx) => {
  const { inputs } = flake;
  if ("missing" in inputs) return ctx.skip(inputs.missing);
  const folder = await mkdtemp(join(tmpdir(), "berth-elsewhere-"));
  try {
    await cp(join(repository, "templates/default"), folder, { recursive: true });
    const args = asInput("berth", flake);
    const { hosts, said } = z.object({ hosts: manifest, said: z.array(z.string()) }).parse(
      await evaluated(
        folder,
        args,
        `nixosConfigurations.web`,
        `host: {
            hosts = (builtins.mapAttrs (_: import ${flake.folder}/nixos/manifest.nix { inherit (host.pkgs) lib; }) { web = host; });
            said = host.config.warnings ++ map (a: a.message) (builtins.filter (a: !a.assertion) host.config.assertions);
          }`,
      ),
    );
    expect(said).toEqual([]);
    expect(hosts.web).toMatchObject({
      system: "x86_64-linux",
      ports: { tcp: [22, 80] },
      disks: { main: { device: "/dev/sda" } },
      health: [{ http: "http://app.example/healthz" }],
    });
    // Its own output, of names alone, as a stack asks for it.
    expect(await evaluated(folder, args, "berth.hosts", "builtins.attrNames")).toEqual(["web"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the modules make a system without any flake", async (ctx) => {
  const said = await flake.evaluate(
    ctx,
    "nixosConfigurations.web.pkgs.path",
    `nixpkgs: let
      nixos = import ${flake.folder}/nixos;
      inherit (import (nixpkgs + "/nixos/lib/eval-config.nix") {
        system = null;
        modules = [
          nixos.profile-minimal
          nixos.webapp
          nixos.spa
          nixos.traps
          ({ pkgs, ... }: {
            nixpkgs.hostPlatform = "x86_64-linux";
            system.stateVersion = "26.05";
            fileSystems."/" = { device = "/dev/vda1"; fsType = "ext4"; };
            boot.loader.grub.device = "/dev/vda";
            users.users.root.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA someone" ];
            services.webapp.hello = { package = pkgs.hello; domain = "hello.example"; };
            services.spa-app = { enable = true; package = pkgs.emptyDirectory; };
          })
        ];
      }) config;
    in {
      toplevel = builtins.unsafeDiscardStringContext config.system.build.toplevel.drvPath;
      hosts = builtins.attrNames config.services.nginx.virtualHosts;
    }`,
  );
  expect(said).toEqual({
    toplevel: expect.stringMatching(/-nixos-system-nixos-.*\.drv$/),
    hosts: ["hello.example", "spa.local"],
  });
});

test("the template's app answers on a socket that it is given, and ends when it is told to", async () => {
  const socket = createServer();
  await once(socket.listen(0, "127.0.0.1"), "listening");
  const { port } = socket.address() as AddressInfo;
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const script = join(repository, "templates/default/app/server.mjs");
  const app = spawn(process.execPath, [script], {
    stdio: ["ignore", "inherit", "inherit", fd],
    env: { LISTEN_FDS: "1", APP_RELEASE: "r1" },
  });
  const ended = once(app, "close");
  // From here on nobody but the app takes what comes.
  socket.close();
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(20_000) });
    expect(await answer.json()).toEqual({ ok: true, release: "r1" });
    app.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  } finally {
    app.kill("SIGKILL");
  }
});
