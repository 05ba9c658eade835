import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { temporaryPaths } from "./check/nginx.ts";
import { type Evaluation, openFlake } from "./nix.ts";
import { type BuiltSpa, buildSpa } from "./spa/build.ts";
import { expectations, expectRelease } from "./spa/expectations.ts";
import { startNginx } from "./spa/nginx.ts";
import { findNginx, type NginxProgram } from "./spa/program.ts";

// The module's nginx.conf as a whole NixOS generates it, under the nginx at hand with the app as npm builds it.
let flake: Evaluation;

beforeAll(async () => {
  flake = await openFlake();
});
afterAll(() => flake?.[Symbol.asyncDispose]());

const strings = z.array(z.string());
const facts = z.object({
  conf: z.string(),
  root: z.string(),
  refused: strings,
  warnings: strings,
  ports: z.array(z.int()),
});

/** The generated configuration with what is not here replaced: store paths, the port, and where a user who is not root may write. */
function runnable(conf: string, root: string, spa: BuiltSpa, { mimeTypes }: NginxProgram) {
  return (folder: string, port: number) => {
    const rewritten = conf
      .replaceAll(root, spa.folder)
      .replaceAll(/\/nix\/store\/\S+\/mime\.types/g, mimeTypes)
      // What is handed on to other servers; no file is.
      .replaceAll(/^\s*include \/nix\/store\/\S+(?:fastcgi\.conf|uwsgi_params|headers\.conf);$/gm, "")
      .replaceAll(/listen 0\.0\.0\.0:\d+/g, `listen 127.0.0.1:${port}`)
      .replaceAll(/^\s*listen \[::0\]:.*$/gm, "")
      .replace(/^pid .*$/m, `pid ${folder}/nginx.pid;`)
      .replace(/^http \{$/m, `http {\naccess_log off;\n${temporaryPaths(folder)}`);
    expect(rewritten).not.toContain("/nix/store/");
    return rewritten;
  };
}

test("the app is served alone and beside a web app, and its release is checked", async (ctx) => {
  const program = await findNginx();
  if (!program) return ctx.skip("needs nginx on PATH, or the image of the lab's machines");
  await using nginxProgram = program;
  const { alone, beside, brotli, checks } = z
    .object({
      alone: facts,
      beside: facts,
      brotli: z.object({ without: z.string(), with: z.string() }),
      checks: z.array(z.unknown()),
    })
    .parse(
      await flake.evaluate(
        ctx,
        "nixosConfigurations.web",
        `host: let
          package = (import ${flake.folder}/apps host.pkgs).spa;
          facts = config: {
            conf = config.environment.etc."nginx/nginx.conf".source.text;
            root = toString package;
            refused = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
            inherit (config) warnings;
            ports = config.networking.firewall.allowedTCPPorts;
          };
          spa = more: { services.spa-app = { enable = true; inherit package; } // more; };
          beside = (host.extendModules { modules = [ ${flake.folder}/nixos/services/spa.nix (spa { }) ]; }).config;
          alone = modules: (import (host.pkgs.path + "/nixos/lib/eval-config.nix") {
            system = null;
            modules = modules ++ [
              ${flake.folder}/nixos/services/spa.nix
              (spa { host = "app.example"; port = 8080; })
              {
                nixpkgs.hostPlatform = "x86_64-linux";
                system.stateVersion = "26.05";
                fileSystems."/" = { device = "/dev/sda1"; fsType = "ext4"; };
                boot.loader.grub.device = "/dev/sda";
              }
            ];
          }).config;
          server = config: config.services.nginx.virtualHosts."app.example".extraConfig;
        in {
          alone = facts (alone [ ]);
          beside = facts beside;
          checks = beside.berth.health;
          brotli = {
            without = server (alone [ ]);
            "with" = server (alone [ { services.nginx.recommendedBrotliSettings = true; } ]);
          };
        }`,
      ),
    );
  for (const { refused, warnings } of [alone, beside])
    expect({ refused, warnings }).toEqual({ refused: [], warnings: [] });
  expect(alone.ports).toContain(8080);
  expect(beside.ports).toContain(80);
  const release = /([a-z0-9]{12})[a-z0-9]{20}-spa-/.exec(alone.root)?.[1] ?? "";
  expect(checks).toContainEqual(
    expect.objectContaining({ http: "http://spa.local/healthz", body: `"release":"${release}"` }),
  );
  expect(brotli.with).toContain("brotli_static on;");
  expect(brotli.without).not.toContain("brotli");

  await using spa = await buildSpa();
  // By any name where it is alone, and by its own beside the default web app.
  for (const [what, { conf, root }, headers] of [
    ["alone", alone, { host: "any.example" }],
    ["beside a web app", beside, { host: "spa.local" }],
  ] as const) {
    await using nginx = await startNginx(nginxProgram, runnable(conf, root, spa, nginxProgram));
    for (const [name, holds] of Object.entries(expectations)) {
      await holds(nginx, spa, headers).catch((error: Error) => {
        error.message = `${what}, ${name}: ${error.message}`;
        throw error;
      });
    }
    await expectRelease(nginx, release, headers);
    // Nobody answers there, but it is not the app.
    if (conf === beside.conf)
      expect((await nginx.ask("/", { headers: { host: "any.example" } })).status).toBe(502);
  }
});
