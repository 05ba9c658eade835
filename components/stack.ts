import * as pulumi from "@pulumi/pulumi";
import { flySystem } from "../config/fly-rules.ts";
import { describeBilled } from "../config/fly-sizes.ts";
import { describePrices, priceRunning } from "../config/prices.ts";
import { inOrder } from "../config/rollout.ts";
import type { StackConfig } from "../config/stack.ts";
import type { PlanFromFlake } from "../deployer/plan-from-flake.ts";
import { AppAtFly } from "./app-at-fly.ts";
import { requireToken } from "./cloud-view.ts";
import { Container } from "./container.ts";
import { DnsRecords } from "./dns-records.ts";
import { DnsZone } from "./dns-zone.ts";
import { explainFailedDependencies } from "./failed-dependencies.ts";
import { flyAccess } from "./fly-api.ts";
import { hetznerAccess } from "./hetzner-api.ts";
import { builderFor } from "./host-builds.ts";
import { keepStack } from "./keep-stack.ts";
import { LoadBalancer } from "./load-balancer.ts";
import { Login } from "./login.ts";
import { named } from "./named.ts";
import { NixosHost } from "./nixos-host.ts";
import { PlacementGroups, placementNames } from "./placement-groups.ts";
import { PrivateNetwork } from "./private-network.ts";
import { recordPlan } from "./record-plan.ts";
import { adviseOnRefusals } from "./refusals.ts";
import { recordShortLived } from "./short-lived.ts";
import { withoutStack } from "./without-stack.ts";

/** What a program knows before its first resource. */
export interface Planned extends PlanFromFlake {
  /** Name of the stack. */
  stack: string;
  config: StackConfig;
  /** What a person should know of what was read: one line each. */
  notes: readonly string[];
  now: Date;
}

/** Tell what is planned, and declare all of a stack; returns its outputs. Throws a `RunError` that says what a person has to do. */
export async function declareStack({ stack, config, plan, cloud, catalogue, notes, packages, now }: Planned) {
  const running = cloud && priceRunning(catalogue, cloud.running);
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

  return {
    hosts: Object.fromEntries(plan.hosts.map(({ name }) => [name, machineOf(name).outputs])),
    containers: Object.fromEntries(containersThere.map(({ name, outputs }) => [name, outputs])),
    loadBalancers: Object.fromEntries(
      balancers.map(({ name, ipv4Address, ipv6Address }) => [name, { ipv4Address, ipv6Address }]),
    ),
    nameservers: Object.fromEntries(zones.map(({ name, nameservers }) => [name, nameservers])),
    apps: Object.fromEntries(appsAtFly.map(({ name, outputs }) => [name, outputs])),
    pricePerMonth: plan.monthly,
    loginKey: login.privateKey,
    loginPublicKey: login.publicKey,
  };
}
