import * as pulumi from "@pulumi/pulumi";
import { Login } from "./components/login.ts";
import { NixosHost } from "./components/nixos-host.ts";
import { readStackConfig } from "./components/stack-config.ts";
import { withoutStack } from "./components/without-stack.ts";
import { toCents } from "./config/catalogue.ts";
import { matchManifest } from "./config/checks.ts";
import { evaluateManifest } from "./deployer/nix/evaluate.ts";

const stack = pulumi.getStack();
const { config, manifests } = await withoutStack(async () => {
  const parsed = readStackConfig(stack);
  return {
    config: parsed,
    manifests: matchManifest(stack, parsed, await evaluateManifest(parsed.flake, { cwd: process.cwd() })),
  };
});

const login = new Login("login", { access: config.access });

const built = manifests.map(({ name, settings, manifest }) => {
  const host = new NixosHost(name, {
    config: settings,
    manifest,
    access: login.access,
    protect: config.protect,
  });
  return [name, host.outputs] as const;
});

/** Every host: where it is, what runs, what it costs. */
export const hosts = Object.fromEntries(built);
/** Net EUR a month for all hosts. */
export const pricePerMonth = toCents(built.reduce((sum, [, host]) => sum + host.pricePerMonth, 0));
/** Logs in as root on every host. */
export const loginKey = login.privateKey;
