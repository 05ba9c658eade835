import type { LocalBuilds } from "./builds.ts";
import type { Catalogue } from "./catalogue.ts";
import { checkAttachments } from "./checks/attachments.ts";
import { checkLoadBalancers } from "./checks/balancers.ts";
import { checkBuilds } from "./checks/builds.ts";
import { checkChanges } from "./checks/changes.ts";
import { checkContainers } from "./checks/containers.ts";
import type { Context } from "./checks/context.ts";
import { checkDns } from "./checks/dns.ts";
import { checkEncryption } from "./checks/encryption.ts";
import { checkInstallation } from "./checks/installation.ts";
import { checkNames } from "./checks/names.ts";
import { checkNetwork } from "./checks/network.ts";
import { checkPorts } from "./checks/ports.ts";
import { checkSecrets } from "./checks/secrets.ts";
import { checkServers } from "./checks/servers.ts";
import { checkShortLived } from "./checks/short-lived.ts";
import { checkSystem, matchSystems } from "./checks/systems.ts";
import { planDns } from "./dns.ts";
import type { EvaluatedImage } from "./image.ts";
import { imageUses, planImages } from "./images.ts";
import type { Manifest } from "./manifest.ts";
import type { StackPlan } from "./plan.ts";
import { priceHost, priceLoadBalancers, sumPrices } from "./prices.ts";
import { ConfigurationError, type Problem } from "./problems.ts";
import { publishedPorts } from "./published.ts";
import { checkRollout, planRollout } from "./rollout.ts";
import type { RegisteredKey, Running } from "./running.ts";
import { planLoginKeys } from "./ssh-keys.ts";
import type { StackConfig } from "./stack.ts";

export interface PlanInput {
  /** Name of the stack. */
  stack: string;
  config: StackConfig;
  /** What is wrong with the configuration already (`parseStackConfig`). @default [] */
  problems?: readonly Problem[];
  /** Of the flake's `berth.hosts`, those of the stack. */
  manifest: Manifest;
  /** Names of all systems of the flake. @default those of `manifest` */
  systemNames?: readonly string[];
  catalogue: Catalogue;
  /** What runs at Hetzner for this stack; null when nobody could ask. */
  running: Running | null;
  /** Keys in the project; null when nobody could ask. */
  sshKeys: readonly RegisteredKey[] | null;
  /** Names of servers that belong to somebody else. @default [] */
  takenNames?: readonly string[];
  /** What can be built where pulumi runs. @default nobody could ask */
  localBuilds?: LocalBuilds | null;
  /** What the flake says of the packages that are images (`imageUses`). @default none */
  images?: Readonly<Record<string, EvaluatedImage | { instead: string[] }>>;
  /** Files that the configuration names (`filesOf`) and that are not there. @default none */
  absentFiles?: readonly string[];
  now: Date;
}

/** Everything a stack orders, checked against flake and catalogue. Throws one ConfigurationError with every problem. */
export function planStack(input: PlanInput): StackPlan {
  const { stack, config, manifest, catalogue } = input;
  const systems = matchSystems(config, manifest, input.systemNames ?? Object.keys(manifest));
  const { hosts } = systems;
  const context: Context = {
    ...input,
    hosts,
    takenNames: input.takenNames ?? [],
    localBuilds: input.localBuilds ?? null,
    absentFiles: input.absentFiles ?? [],
  };

  const servers = checkServers(context);
  const keys = planLoginKeys(stack, config, input.sshKeys);
  const network = checkNetwork(context);
  const changes = checkChanges(context);
  const secrets = checkSecrets(context);
  const images = planImages(
    config.flake,
    imageUses(config, manifest),
    input.images ?? {},
    context.absentFiles,
  );
  const hostNames = Object.keys(config.hosts);
  const problems = [
    ...(input.problems ?? []),
    ...checkRollout(hostNames, config.rollout),
    ...checkNames(context),
    ...systems.problems,
    ...hosts.flatMap(checkSystem),
    ...hosts.flatMap(checkInstallation),
    ...checkBuilds(context),
    ...secrets.problems,
    ...checkEncryption(context),
    ...servers.problems,
    ...changes.problems,
    ...hosts.flatMap((host) => checkPorts(host, config.access.from)),
    ...checkAttachments(context),
    ...keys.problems,
    ...network.problems,
    ...checkLoadBalancers(context),
    ...checkDns(context),
    ...checkContainers(context),
    ...checkShortLived(context),
    ...images.problems,
  ];
  if (problems.length > 0) throw new ConfigurationError(stack, unique(problems));

  const planned = hosts.map((host) => ({
    ...host,
    loginKeys: keys.byHost[host.name] ?? [],
    published: publishedPorts(host.name, config.containers, host.manifest),
    price: priceHost(catalogue, host.settings),
  }));
  const price = priceLoadBalancers(catalogue, config.loadBalancers);
  return {
    hosts: planned,
    rollout: planRollout(hostNames, config.rollout),
    loginKeys: keys.keys,
    networkZone: network.zone,
    dns: planDns(config, hosts),
    images: images.images,
    price,
    monthly: sumPrices([...planned.flatMap((host) => host.price), ...price]).monthly,
    currency: catalogue.currency,
    pricesFrom: catalogue.source,
    notes: [...servers.notes, ...changes.notes, ...secrets.notes, ...keys.notes],
  };
}

/** A problem of something that several hosts share is told once. */
function unique<T extends { path: string; message: string }>(problems: readonly T[]): T[] {
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const key = `${path}\n${message}`;
    return !seen.has(key) && seen.add(key);
  });
}
