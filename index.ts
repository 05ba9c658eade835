import { setImmediate as turn } from "node:timers/promises";
import { getStack } from "@pulumi/pulumi/metadata.js";
import { readCloudView } from "./components/cloud-view.ts";
import { readStackConfig } from "./components/stack-config.ts";
import { plainStackTraces } from "./components/stack-traces.ts";
import { startProvider } from "./components/start-provider.ts";
import { withoutStack } from "./components/without-stack.ts";
import { planFromFlake } from "./deployer/plan-from-flake.ts";

plainStackTraces();
const stack = getStack();
const now = new Date();
const { config, problems, notes } = await withoutStack(async () => readStackConfig(stack));
// The engine, Nix and Hetzner are asked first and answer while the rest is imported, which keeps this thread for as long as they take.
// So nothing above imports Pulumi's SDK as a whole, and between imports there is a turn in which questions leave and answers come in.
if (problems.length === 0) startProvider();
await turn();
const readCloud = () => readCloudView(stack, config);
const planned = withoutStack(() =>
  planFromFlake({ stack, config, problems, readCloud, cwd: process.cwd(), now }),
);
// Told below, where it is awaited.
planned.catch(() => undefined);
await turn();
const { declareStack } = await import("./components/stack.ts");
const declared = await declareStack({ stack, config, notes, now, ...(await planned) });

/** Every host: where it is, what runs, what it costs. */
export const { hosts } = declared;
/** Every container: where it is, what runs. */
export const { containers } = declared;
/** Every load balancer's addresses. */
export const { loadBalancers } = declared;
/** The name servers that each zone's registrar must know. */
export const { nameservers } = declared;
/** Every app at Fly.io: where it is and what runs, on which machines. */
export const { apps } = declared;
/** Net a month of everything whose price is known. */
export const { pricePerMonth } = declared;
/** Logs in as root on every host. */
export const { loginKey } = declared;
/** What a machine that was ordered elsewhere must let in as root before it is installed. */
export const { loginPublicKey } = declared;
