import * as pulumi from "@pulumi/pulumi";
import { Login } from "./components/login.ts";
import { NixosHost } from "./components/nixos-host.ts";
import { readStackConfig } from "./components/stack-config.ts";
import { withoutStack } from "./components/without-stack.ts";
import { datedCatalogue } from "./config/catalogue.ts";
import { planStack } from "./config/plan-stack.ts";
import { evaluateManifest } from "./deployer/nix/evaluate.ts";

const stack = pulumi.getStack();
const { config, plan } = await withoutStack(async () => {
  const config = readStackConfig(stack);
  const manifest = await evaluateManifest(config.flake, { cwd: process.cwd() });
  const plan = planStack({
    stack,
    config,
    manifest,
    catalogue: datedCatalogue,
    running: null,
    sshKeys: null,
    now: new Date(),
  });
  return { config, plan };
});

const login = new Login("login", { access: config.access });

const built = plan.hosts.map(({ name, settings, manifest, price }) => {
  const host = new NixosHost(name, {
    config: settings,
    manifest,
    access: login.access,
    price,
    protect: config.protect,
  });
  return [name, host.outputs] as const;
});

/** Every host: where it is, what runs, what it costs. */
export const hosts = Object.fromEntries(built);
/** Net a month of everything whose price is known. */
export const pricePerMonth = plan.monthly;
/** Logs in as root on every host. */
export const loginKey = login.privateKey;
