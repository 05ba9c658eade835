import * as pulumi from "@pulumi/pulumi";
import { AppAtFly } from "./components/app-at-fly.ts";
import { readCloudView, requireToken } from "./components/cloud-view.ts";
import { Container } from "./components/container.ts";
import { DnsRecords } from "./components/dns-records.ts";
import { DnsZone } from "./components/dns-zone.ts";
import { explainFailedDependencies } from "./components/failed-dependencies.ts";
import { flyAccess } from "./components/fly-api.ts";
import { hetznerAccess } from "./components/hetzner-api.ts";
import { builderFor } from "./components/host-builds.ts";
import { keepStack } from "./components/keep-stack.ts";
import { LoadBalancer } from "./components/load-balancer.ts";
import { Login } from "./components/login.ts";
import { named } from "./components/named.ts";
import { NixosHost } from "./components/nixos-host.ts";
import { PlacementGroups, placementNames } from "./components/placement-groups.ts";
import { PrivateNetwork } from "./components/private-network.ts";
import { recordPlan } from "./components/record-plan.ts";
import { adviseOnRefusals } from "./components/refusals.ts";
import { recordShortLived } from "./components/short-lived.ts";
import { readStackConfig } from "./components/stack-config.ts";
import { withoutStack } from "./components/without-stack.ts";
import { flySystem } from "./config/fly-rules.ts";
import { describeBilled } from "./config/fly-sizes.ts";
import { describePrices, priceRunning } from "./config/prices.ts";
import { inOrder } from "./config/rollout.ts";
import { planFromFlake } from "./deployer/plan-from-flake.ts";

const stack = pulumi.getStack();
const now = new Date();
const { config, plan, catalogue, running, notes, packages } = await withoutStack(async () => {
  const { config, problems, notes } = readStackConfig(stack);
  const readCloud = () => readCloudView(stack, config);
  const { cloud, ...foreseen } = await planFromFlake({
    stack,
    config,
    problems,
    readCloud,
    cwd: process.cwd(),
    now,
  });
  return { config, notes, running: cloud && priceRunning(foreseen.catalogue, cloud.running), ...foreseen };
});
const prices = plan.hosts.length + plan.price.length > 0 ? describePrices(plan, running) : [];
const billedAtFly = Object.entries(config.fly).map(([name, app]) => describeBilled(name, app));
for (const line of [...notes, ...plan.notes, ...prices, ...billedAtFly]) await pulumi.log.info(line);
await withoutStack(async () => requireToken(config));
const fly = await withoutStack(async () => flyAccess(config));
await adviseOnRefusals({ stack, plan, catalogue, now });
if (config.shortLived) await recordShortLived(config.shortLived);
recordPlan(stack, plan);
explainFailedDependencies();

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
const machines: NixosHost[] = [];
const machineOf = (name: string) => named(machines, name);
for (const { host, after } of inOrder(plan.rollout)) {
  const { secrets, builds } = config;
  const { maxUnavailable } = plan.rollout;
  const placementGroupIds = placements?.ids ?? {};
  const shared = {
    access: login.access,
    api,
    network,
    placementGroupIds,
    secrets,
    builds,
    maxUnavailable,
    protect,
  };
  const earlier = after.map((name) => machineOf(name).deployment);
  machines.push(new NixosHost(host, { plan: named(plan.hosts, host), ...shared, after: earlier }));
}

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

const containersThere = Object.entries(config.containers).map(
  ([name, container]) =>
    new Container(name, {
      config: container,
      host: typeof container.on === "string" ? machineOf(container.on) : undefined,
      loginKey: login.privateKey,
      images: plan.images,
      builds: config.builds,
      secrets: config.secrets,
    }),
);

const appsAtFly =
  fly === undefined
    ? []
    : Object.entries(config.fly).map(
        ([name, app]) =>
          new AppAtFly(name, {
            config: app,
            package: packages[name],
            builder: builderFor(config.builds, flySystem),
            loginKey: login.privateKey,
            access: fly,
            secrets: config.secrets,
            protect,
          }),
      );

const shared = [network, placements].filter((one) => one !== undefined);
const onTop = [...containersThere, ...appsAtFly];
keepStack([login, ...shared, ...machines, ...zones, ...balancers, ...records, ...onTop], protect);

/** Every host: where it is, what runs, what it costs. */
export const hosts = Object.fromEntries(plan.hosts.map(({ name }) => [name, machineOf(name).outputs]));
/** Every container: where it is, what runs. */
export const containers = Object.fromEntries(containersThere.map(({ name, outputs }) => [name, outputs]));
/** Every load balancer's addresses. */
export const loadBalancers = Object.fromEntries(
  balancers.map(({ name, ipv4Address, ipv6Address }) => [name, { ipv4Address, ipv6Address }]),
);
/** The name servers that each zone's registrar must know. */
export const nameservers = Object.fromEntries(zones.map(({ name, nameservers }) => [name, nameservers]));
/** Every app at Fly.io: where it is and what runs, on which machines. */
export const apps = Object.fromEntries(appsAtFly.map(({ name, outputs }) => [name, outputs]));
/** Net a month of everything whose price is known. */
export const pricePerMonth = plan.monthly;
/** Logs in as root on every host. */
export const loginKey = login.privateKey;
/** What a machine that was ordered elsewhere must let in as root before it is installed. */
export const loginPublicKey = login.publicKey;
