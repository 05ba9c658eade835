import { type Ipv4Network, ipv4Network, ipv4Number, ipv4Text, within } from "../ipv4.ts";
import type { Problem } from "../problems.ts";
import type { NetworkConfig } from "../stack.ts";
import { type Context, hostPath } from "./context.ts";

const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
/** Hetzner's smallest network, and its smallest subnet. */
const longestPrefix = 24;
const longestSubnetPrefix = 30;
/** The gateway of Hetzner's public network; it is taken in every private one, too. */
const publicGateway = "172.31.1.1";

/** The private network, the addresses in it, and that all who are in it can be. */
export function checkNetwork(context: Context): { problems: Problem[]; zone: string | null } {
  const { network } = context.config;
  if (!network) return { problems: withoutNetwork(context), zone: null };
  const problems = [...checkRange(network)];
  const zone = checkZone(context, problems);
  // Addresses are judged in a network that is right.
  if (problems.every(({ path }) => !path.startsWith("berth:network")))
    checkAddresses(context, network, problems);
  return { problems, zone };
}

function withoutNetwork({ hosts }: Context): Problem[] {
  return hosts
    .filter(({ settings }) => settings.privateAddress !== undefined)
    .map(({ name, settings }) => ({
      path: `${hostPath(name)}.privateAddress`,
      message: `${settings.privateAddress}: the stack has no berth:network for it`,
      example: "berth:network: { range: 10.0.0.0/16 }",
    }));
}

/** The part servers get addresses from. */
export const subnetOf = ({ range, subnet }: NetworkConfig): string => subnet ?? range;

function checkRange(config: NetworkConfig): Problem[] {
  const problems: Problem[] = [];
  const range = ipv4Network(config.range);
  const subnet = ipv4Network(subnetOf(config));
  for (const [field, text, network, longest] of [
    ["range", config.range, range, longestPrefix],
    ["subnet", config.subnet, subnet, longestSubnetPrefix],
  ] as const) {
    if (text === undefined) continue;
    const path = `berth:network.${field}`;
    if (text !== `${ipv4Text(network.first)}/${network.prefix}`) {
      problems.push({
        path,
        message: `${text} is an address inside a network; the network is named by its first one`,
        example: `${ipv4Text(network.first)}/${network.prefix}`,
      });
    } else if (network.prefix > longest) {
      problems.push({
        path,
        message: `${text} is too small; Hetzner takes /${longest} and larger`,
        example: field === "range" ? "10.0.0.0/16" : "10.0.1.0/24",
      });
    }
  }
  if (!privateRanges.some((one) => within(range, ipv4Network(one)))) {
    problems.push({
      path: "berth:network.range",
      message: `${config.range} is not private; it has to lie in ${privateRanges.join(", ")}`,
      example: "10.0.0.0/16",
    });
  }
  if (!within(subnet, range)) {
    problems.push({
      path: "berth:network.subnet",
      message: `${config.subnet} does not lie in berth:network.range, ${config.range}`,
      example: `${ipv4Text(range.first)}/${Math.max(range.prefix, longestPrefix)}`,
    });
  }
  return problems;
}

/** A subnet lies in one of Hetzner's network zones, and with it everybody who is in it. */
function checkZone({ config, catalogue, hosts }: Context, problems: Problem[]): string | null {
  const zoneOf = (location: string) => catalogue.locations.find(({ name }) => name === location)?.networkZone;
  const members = [
    ...hosts.flatMap(({ name, settings }) =>
      settings.server
        ? [{ path: `${hostPath(name)}.server.location`, location: settings.server.location }]
        : [],
    ),
    ...Object.entries(config.loadBalancers).map(([name, { location }]) => ({
      path: `berth:loadBalancers.${name}.location`,
      location,
    })),
  ].flatMap((member) => {
    const zone = zoneOf(member.location);
    return zone === undefined ? [] : [{ ...member, zone }];
  });
  const first = members[0];
  if (!first) {
    if (hosts.every(({ settings }) => !settings.server))
      problems.push({
        path: "berth:network",
        message: "a private network joins servers of this stack, and it has none",
      });
    return null;
  }
  for (const { path, location, zone } of members) {
    if (zone === first.zone) continue;
    const near = catalogue.locations.filter(({ networkZone }) => networkZone === first.zone);
    problems.push({
      path,
      message: `${location} is in ${zone}, and the private network is in ${first.zone} with ${first.location} (${first.path}): all have to be in one network zone; ${first.zone} has ${near.map(({ name }) => name).join(", ")}`,
      ...(near[0] ? { example: near[0].name } : {}),
    });
  }
  return first.zone;
}

/** Addresses of a subnet that Hetzner keeps: its first and last, the gateway, which is the first host of the whole range, and its public gateway. */
const isReserved = (address: number, subnet: Ipv4Network, range: Ipv4Network): boolean =>
  [subnet.first, subnet.last, range.first + 1, ipv4Number(publicGateway)].includes(address);

function checkAddresses({ config, hosts }: Context, network: NetworkConfig, problems: Problem[]): void {
  const range = ipv4Network(network.range);
  const subnet = ipv4Network(subnetOf(network));
  const free = firstFree(
    subnet,
    range,
    hosts.flatMap(({ settings }) => settings.privateAddress ?? []),
  );
  const owners = new Map<number, string>();
  for (const { name, settings } of hosts) {
    const text = settings.privateAddress;
    if (text === undefined) continue;
    const path = `${hostPath(name)}.privateAddress`;
    const address = ipv4Number(text);
    const owner = owners.get(address);
    const because =
      address < subnet.first || address > subnet.last
        ? `does not lie in the subnet ${subnetOf(network)}`
        : isReserved(address, subnet, range)
          ? `is one of Hetzner's own: the first and the last address of ${subnetOf(network)}, the gateway ${ipv4Text(range.first + 1)} and ${publicGateway}`
          : owner === undefined
            ? undefined
            : `is ${hostPath(owner)}'s already`;
    owners.set(address, owner ?? name);
    if (because !== undefined)
      problems.push({
        path,
        message: `${text} ${because}`,
        ...(free === undefined ? {} : { example: free }),
      });
  }
  const members =
    hosts.filter(({ settings }) => settings.server).length + Object.keys(config.loadBalancers).length;
  const room = subnet.last - subnet.first + 1 - reservedIn(subnet, range);
  if (members > room) {
    problems.push({
      path: network.subnet === undefined ? "berth:network.range" : "berth:network.subnet",
      message: `${subnetOf(network)} has ${room} addresses for ${members} servers and load balancers`,
      example: "10.0.0.0/16",
    });
  }
}

function reservedIn(subnet: Ipv4Network, range: Ipv4Network): number {
  const reserved = new Set([subnet.first, subnet.last, range.first + 1, ipv4Number(publicGateway)]);
  return [...reserved].filter((address) => address >= subnet.first && address <= subnet.last).length;
}

function firstFree(subnet: Ipv4Network, range: Ipv4Network, taken: readonly string[]): string | undefined {
  for (let address = subnet.first; address <= subnet.last; address++) {
    const text = ipv4Text(address);
    if (!isReserved(address, subnet, range) && !taken.includes(text)) return text;
  }
  return undefined;
}
