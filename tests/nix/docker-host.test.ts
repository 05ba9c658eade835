import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type Evaluation, openFlake } from "./nix.ts";

let flake: Evaluation;
beforeAll(async () => {
  flake = await openFlake();
});
afterAll(() => flake?.[Symbol.asyncDispose]());

const facts = z.object({
  docker: z.looseObject({
    "live-restore": z.boolean(),
    "log-driver": z.string(),
  }),
  prunes: z.boolean(),
  refused: z.array(z.string()),
  warnings: z.array(z.string()),
  ports: z.array(z.int()),
  restore: z.object({ condition: z.string(), start: z.string(), before: z.array(z.string()) }),
});

test("a host for containers has Docker that prunes nothing, open ports, and what restores them at boot", async (ctx) => {
  const found = facts.parse(
    await flake.evaluate(
      ctx,
      "nixosConfigurations.web",
      `host: let
        inherit ((host.extendModules {
          modules = [
            ${flake.folder}/nixos/services/docker-host.nix
            { services.docker-host = { enable = true; ports = [ 8443 ]; }; }
          ];
        })) config;
        unit = config.systemd.services.berth-docker;
      in {
        docker = config.virtualisation.docker.daemon.settings;
        prunes = config.virtualisation.docker.autoPrune.enable;
        refused = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
        inherit (config) warnings;
        ports = config.networking.firewall.allowedTCPPorts;
        restore = {
          condition = unit.unitConfig.ConditionPathExists;
          start = unit.serviceConfig.ExecStart;
          inherit (unit) before;
        };
      }`,
    ),
  );
  expect(found).toMatchObject({
    docker: { "live-restore": true, "log-driver": "journald" },
    prunes: false,
    refused: [],
    warnings: [],
    restore: {
      condition: "/var/lib/berth/docker/restore",
      start: "/bin/sh /var/lib/berth/docker/restore",
      before: ["docker.service"],
    },
  });
  expect(found.ports).toContain(8443);
});
