import { z } from "zod";
import {
  type Cidr,
  contains,
  formatAddress,
  formatCidr,
  lastOf,
  networkOf,
  overlap,
  parseAddress,
  parseCidr,
} from "./ip.ts";
import type { Member, Route, Subnet } from "./network-records.ts";

/**
 * The rules of ranges and addresses in private networks.
 * Sources: Hetzner's API description (Networks, IP address management) and its Networks FAQ.
 */

/** What the rules look at. */
export interface Layout {
  ip_range: string;
  subnets: readonly Subnet[];
  routes: readonly Route[];
  members: readonly Member[];
  /** Addresses that are spoken for beside those of the members. */
  reserved?: readonly string[];
}

/** Why a field is refused. */
export interface Problem {
  field: string;
  message: string;
}

export const maxSubnets = 50;
export const maxRoutes = 100;
const maxAliases = 5;

/** The gateway of servers' public interfaces; no private address may be it. */
const publicGateway = "172.31.1.1";
const anywhere = "0.0.0.0/0";
const rfc1918 = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(cidr);
const vswitchZone = "eu-central";

/** An IPv4 range in the one form that comes back as it was sent. */
const range = z
  .string()
  .refine(
    (text) => canonical(text) === text,
    "must be an IPv4 range in CIDR notation that starts with its first address",
  );

const isPrivate = (text: string) =>
  canonical(text) !== text || rfc1918.some((wide) => within(wide, cidr(text)));
const notPrivate = "must be within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC1918)";
const atLeast = (prefix: number) => (text: string) => canonical(text) !== text || cidr(text).prefix <= prefix;

export const networkRange = range.refine(isPrivate, notPrivate).refine(atLeast(24), "must be /24 or larger");
export const subnetRange = range.refine(atLeast(30), "must be /30 or larger");
export const routeDestination = range.refine((text) => text === anywhere || isPrivate(text), notPrivate);
export const ipv4 = z.string().refine((text) => parseAddress(text)?.family === 4, "must be an IPv4 address");

/** The first address of a network, which servers reach the rest of it through. */
export function gatewayOf({ ip_range }: Pick<Layout, "ip_range">): string {
  return formatAddress({ family: 4, value: cidr(ip_range).value + 1n });
}

/** What a subnet shows as its gateway; one that is coupled with a vSwitch has its own. */
export function subnetGateway(network: Pick<Layout, "ip_range">, subnet: Subnet): string {
  return gatewayOf(subnet.type === "vswitch" ? subnet : network);
}

/** Why a subnet does not fit into a network, or undefined. */
export function subnetProblem(
  network: Layout,
  subnet: Subnet,
  zones: readonly string[],
): Problem | undefined {
  const wanted = cidr(subnet.ip_range);
  const [first] = network.subnets;
  if (!zones.includes(subnet.network_zone)) {
    return { field: "network_zone", message: `network zone '${subnet.network_zone}' not found` };
  }
  if (first !== undefined && first.network_zone !== subnet.network_zone) {
    return {
      field: "network_zone",
      message: `all subnets of a network must be in the same network zone, here '${first.network_zone}'`,
    };
  }
  if ((subnet.type === "vswitch") !== (subnet.vswitch_id !== null)) {
    return { field: "vswitch_id", message: "must be given for subnets of type vswitch, and only for them" };
  }
  if (subnet.type === "vswitch" && subnet.network_zone !== vswitchZone) {
    return { field: "network_zone", message: `subnets of type vswitch must be in '${vswitchZone}'` };
  }
  if (!within(cidr(network.ip_range), wanted)) {
    return { field: "ip_range", message: `must be within the network's range ${network.ip_range}` };
  }
  if (taken(network).some((other) => overlap(other, wanted))) {
    return { field: "ip_range", message: "ip_range overlaps with another subnetwork or network route" };
  }
  return undefined;
}

/** The first /24 that is still free, or undefined. */
export function freeSubnet(network: Layout): string | undefined {
  const all = cidr(network.ip_range);
  const end = lastOf(all).value;
  const inUse = taken(network);
  for (let value = all.value; value <= end; value += 256n) {
    const candidate: Cidr = { family: 4, value, prefix: 24 };
    if (!inUse.some((other) => overlap(other, candidate))) {
      return formatCidr(candidate);
    }
  }
  return undefined;
}

/** Why a route does not fit into a network, or undefined. */
export function routeProblem(network: Layout, route: Route): Problem | undefined {
  const gateway = address(route.gateway);
  if (route.gateway === publicGateway || route.gateway === gatewayOf(network)) {
    return { field: "gateway", message: `'${route.gateway}' is reserved` };
  }
  if (!contains(cidr(network.ip_range), gateway)) {
    return { field: "gateway", message: `must be within the network's range ${network.ip_range}` };
  }
  if (network.subnets.some(({ type, ip_range }) => type === "vswitch" && contains(cidr(ip_range), gateway))) {
    return { field: "gateway", message: "must not be behind a vSwitch" };
  }
  if (network.routes.some(({ destination }) => destination === route.destination)) {
    return { field: "destination", message: overlapsRoute };
  }
  if (route.destination !== anywhere) {
    const wanted = cidr(route.destination);
    if (contains(wanted, address(publicGateway))) {
      return { field: "destination", message: `must not contain ${publicGateway}` };
    }
    if (taken(network).some((other) => overlap(other, wanted))) {
      return { field: "destination", message: overlapsRoute };
    }
  }
  return undefined;
}

const overlapsRoute = "network route destination overlaps with another subnetwork or network route";

/** Why a network's range cannot become another one, or undefined: it may only grow at its end. */
export function growthProblem(from: string, to: string): string | undefined {
  const [before, after] = [cidr(from), cidr(to)];
  if (before.value !== after.value) {
    return `must start with the same address as the present range ${from}`;
  }
  return after.prefix > before.prefix ? `must not be smaller than the present range ${from}` : undefined;
}

/** An address for a new member, or why there is none. */
export type AddressChoice =
  | { ip: string }
  | { code: "no_subnet_available" | "ip_not_available" | "invalid_input"; message: string };

/**
 * The address something in a network zone gets.
 * @param wanted `ip` asks for one; `ip_range` for the subnet to take it from.
 */
export function chooseAddress(
  network: Layout,
  zone: string,
  wanted: { ip?: string | null | undefined; ip_range?: string | null | undefined },
): AddressChoice {
  const open = openSubnets(network, zone).filter(
    ({ ip_range }) => wanted.ip_range == null || ip_range === wanted.ip_range,
  );
  if (open.length === 0) {
    return { code: "no_subnet_available", message: noSubnet };
  }
  if (wanted.ip != null) {
    if (!open.some((subnet) => contains(cidr(subnet.ip_range), address(wanted.ip ?? "")))) {
      return wanted.ip_range == null
        ? { code: "ip_not_available", message: `IP '${wanted.ip}' is in no subnet of network zone '${zone}'` }
        : { code: "invalid_input", message: `IP '${wanted.ip}' is not within ${wanted.ip_range}` };
    }
    return usable(network, open, wanted.ip)
      ? { ip: wanted.ip }
      : { code: "ip_not_available", message: `IP '${wanted.ip}' is not available` };
  }
  const ip = firstFree(network, open);
  return ip === undefined ? { code: "no_subnet_available", message: noSubnet } : { ip };
}

const noSubnet = "no subnet or IP available";

/** Why alias addresses cannot be given to a member, or undefined. Its present ones count as free. */
export function aliasProblem(
  network: Layout,
  zone: string,
  aliases: readonly string[],
  own?: Member,
): { code: "ip_not_available" | "resource_limit_exceeded"; message: string } | undefined {
  if (aliases.length > maxAliases) {
    return { code: "resource_limit_exceeded", message: `at most ${maxAliases} alias IPs are possible` };
  }
  const open = openSubnets(network, zone);
  const others = {
    ...network,
    members: network.members.map((member) => (member === own ? { ...member, alias_ips: [] } : member)),
  };
  const bad = aliases.find((ip, index) => !usable(others, open, ip) || aliases.indexOf(ip) !== index);
  return bad === undefined
    ? undefined
    : { code: "ip_not_available", message: `alias IP '${bad}' is not available` };
}

/** The subnet an address lies in. */
export function subnetOf(network: Layout, ip: string): Subnet | undefined {
  return network.subnets.find(({ ip_range }) => contains(cidr(ip_range), address(ip)));
}

/** Whether two networks' ranges have an address in common. */
export function rangesOverlap(a: string, b: string): boolean {
  return overlap(cidr(a), cidr(b));
}

/** Subnets of type vswitch belong to dedicated servers. */
function openSubnets(network: Layout, zone: string): Subnet[] {
  return network.subnets.filter(({ type, network_zone }) => type !== "vswitch" && network_zone === zone);
}

function usable(network: Layout, open: readonly Subnet[], ip: string): boolean {
  const wanted = address(ip);
  return (
    open.some(({ ip_range }) => {
      const subnet = cidr(ip_range);
      return (
        contains(subnet, wanted) && wanted.value !== subnet.value && wanted.value !== lastOf(subnet).value
      );
    }) && !occupied(network).has(formatAddress(wanted))
  );
}

function firstFree(network: Layout, open: readonly Subnet[]): string | undefined {
  const inUse = occupied(network);
  for (const { ip_range } of open) {
    const subnet = cidr(ip_range);
    const end = lastOf(subnet).value;
    for (let value = subnet.value + 1n; value < end; value++) {
      const ip = formatAddress({ family: 4, value });
      if (!inUse.has(ip)) {
        return ip;
      }
    }
  }
  return undefined;
}

function occupied(network: Layout): Set<string> {
  return new Set([
    publicGateway,
    gatewayOf(network),
    ...(network.reserved ?? []),
    ...network.members.flatMap(({ ip, alias_ips }) => [ip, ...alias_ips]),
  ]);
}

function taken(network: Layout): Cidr[] {
  return [
    ...network.subnets.map(({ ip_range }) => cidr(ip_range)),
    ...network.routes
      .filter(({ destination }) => destination !== anywhere)
      .map((route) => cidr(route.destination)),
  ];
}

/** Whether a network lies in another one as a whole. */
function within(wide: Cidr, narrow: Cidr): boolean {
  return wide.prefix <= narrow.prefix && contains(wide, narrow);
}

function canonical(text: string): string | undefined {
  const parsed = parseCidr(text);
  return parsed?.family === 4 ? formatCidr(networkOf(parsed)) : undefined;
}

/** Of text that was checked before. */
function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) {
    throw new Error(`'${text}' is not a range`);
  }
  return parsed;
}

function address(text: string) {
  const parsed = parseAddress(text);
  if (parsed === undefined) {
    throw new Error(`'${text}' is not an address`);
  }
  return parsed;
}
