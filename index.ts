import * as pulumi from "@pulumi/pulumi";
import { readCloudView, requireToken } from "./components/cloud-view.ts";
import { DnsRecords } from "./components/dns-records.ts";
import { DnsZone } from "./components/dns-zone.ts";
import { hetznerAccess } from "./components/hetzner-api.ts";
import { keepStack } from "./components/keep-stack.ts";
import { LoadBalancer } from "./components/load-balancer.ts";
import { Login } from "./components/login.ts";
import { named } from "./components/named.ts";
import { NixosHost } from "./components/nixos-host.ts";
import { PlacementGroups, placementNames } from "./components/placement-groups.ts";
import { PrivateNetwork } from "./components/private-network.ts";
import { adviseOnRefusals } from "./components/refusals.ts";
import { readStackConfig } from "./components/stack-config.ts";
import { withoutStack } from "./components/without-stack.ts";
import { datedCatalogue } from "./config/catalogue.ts";
import { planStack } from "./config/plan-stack.ts";
import { describePrices, priceRunning } from "./config/prices.ts";
import { evaluateManifest } from "./deployer/nix/evaluate.ts";

const stack = pulumi.getStack();
const now = new Date();
const { config, plan, catalogue, running } = await withoutStack(async () => {
  const { config, problems } = readStackConfig(stack);
  const [manifest, cloud] = await Promise.all([
    evaluateManifest(config.flake, { cwd: process.cwd() }),
    readCloudView(stack, config),
  ]);
  const catalogue = cloud?.catalogue ?? datedCatalogue;
  const plan = planStack({
    stack,
    config,
    problems,
    manifest,
    catalogue,
    running: cloud?.running ?? null,
    sshKeys: cloud?.sshKeys ?? null,
    takenNames: cloud?.takenNames ?? [],
    now,
  });
  return { config, plan, catalogue, running: cloud && priceRunning(catalogue, cloud.running) };
});
for (const line of [...plan.notes, ...describePrices(plan, running)]) await pulumi.log.info(line);
await withoutStack(async () => requireToken(config));
await adviseOnRefusals({ stack, plan, catalogue, now });

const { protect } = config;
const common = { protect, labels: { "berth-stack": stack } };

const login = new Login("login", {
  access: config.access,
  keys: plan.loginKeys,
  atHetzner: plan.hosts.some(({ settings }) => settings.server !== undefined),
});

const network =
  config.network && plan.networkZone !== null
    ? new PrivateNetwork("network", {
        networkName: stack,
        zone: plan.networkZone,
        ...config.network,
        ...common,
      })
    : undefined;

const groups = placementNames(plan);
const placements =
  groups.length > 0 ? new PlacementGroups("placements", { names: groups, ...common }) : undefined;

const api = hetznerAccess();
const machines = plan.hosts.map((host) => {
  const { secrets } = config;
  const placementGroupIds = placements?.ids ?? {};
  const shared = { access: login.access, api, network, placementGroupIds, secrets, protect };
  return new NixosHost(host.name, { plan: host, ...shared });
});
const machineOf = (name: string) => named(machines, name);

const zones = Object.entries(plan.dns).map(
  ([domain, { create, ttl }]) => new DnsZone(domain, { domain, create, ttl, ...common }),
);

const balancers = Object.entries(config.loadBalancers).map(
  ([name, settings]) =>
    new LoadBalancer(name, {
      balancerName: `${stack}-${name}`,
      config: settings,
      targets: settings.targets.map(machineOf),
      network,
      zones,
      ...common,
    }),
);

const records = zones.map(
  (zone) =>
    new DnsRecords(`${zone.name}-records`, {
      zone,
      records: plan.dns[zone.name]?.records ?? [],
      addressesOf: (whose) =>
        "host" in whose ? machineOf(whose.host).hardware : named(balancers, whose.loadBalancer),
      ...common,
    }),
);

const shared = [network, placements].filter((one) => one !== undefined);
keepStack([login, ...shared, ...machines, ...zones, ...balancers, ...records], protect);

/** Every host: where it is, what runs, what it costs. */
export const hosts = Object.fromEntries(machines.map(({ name, outputs }) => [name, outputs]));
/** Every load balancer's addresses. */
export const loadBalancers = Object.fromEntries(
  balancers.map(({ name, ipv4Address, ipv6Address }) => [name, { ipv4Address, ipv6Address }]),
);
/** The name servers that each zone's registrar must know. */
export const nameservers = Object.fromEntries(zones.map(({ name, nameservers }) => [name, nameservers]));
/** Net a month of everything whose price is known. */
export const pricePerMonth = plan.monthly;
/** Logs in as root on every host. */
export const loginKey = login.privateKey;
/** What a machine that was ordered elsewhere must let in as root before it is installed. */
export const loginPublicKey = login.publicKey;
