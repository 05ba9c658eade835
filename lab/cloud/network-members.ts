import type { Cloud } from "./context.ts";
import { ApiError, refusedField } from "./errors.ts";
import { aliasProblem, chooseAddress, type Layout, rangesOverlap } from "./network-ranges.ts";
import { type Member, membershipsOf, type NetworkRecord, networkRecords } from "./network-records.ts";
import type { ServerRecord } from "./records.ts";

const maxMembers = 100;
const maxNetworksPerServer = 3;

/** What something asks for when it comes into a network. */
export interface WantedAddress {
  ip?: string | null | undefined;
  /** The subnet to take an address from. */
  ip_range?: string | null | undefined;
  alias_ips?: string[] | null | undefined;
}

/** Takes an address for a new member and keeps its place, in the store alone; throws when there is none. */
export function admit(
  cloud: Cloud,
  network: NetworkRecord,
  who: Pick<Member, "type" | "id">,
  location: string,
  wanted: WantedAddress = {},
): Member {
  const { ip, alias_ips } = addressFor(cloud, network, location, wanted);
  const member = { ...who, ip, alias_ips, mac: privateMac(cloud.store.takeId()) };
  networkRecords(cloud.store).change(network, { members: [...network.members, member] });
  return member;
}

/** Puts one of a network's members back in its place, changed, or takes it out; in the store alone. */
export function replaceMember(
  cloud: Cloud,
  network: NetworkRecord,
  old: Member,
  changed: Member | null,
): void {
  networkRecords(cloud.store).change(network, {
    members: network.members.flatMap((member) => (member === old ? (changed ?? []) : member)),
  });
}

/** Throws when a server cannot come into a network, apart from the address. */
export function ensureNetworkAttachable(network: NetworkRecord, present: readonly NetworkRecord[]): void {
  if (present.includes(network)) {
    throw new ApiError(
      "server_already_attached",
      `server is already attached to network with ID '${network.id}'`,
    );
  }
  const other = present.find(({ ip_range }) => rangesOverlap(ip_range, network.ip_range));
  if (other !== undefined) {
    throw new ApiError(
      "networks_overlap",
      `the range ${network.ip_range} of network '${network.name}' overlaps with ${other.ip_range} of network '${other.name}', which the server is attached to`,
    );
  }
  if (present.length >= maxNetworksPerServer) {
    throw new ApiError(
      "resource_limit_exceeded",
      `a server can be attached to ${maxNetworksPerServer} networks`,
    );
  }
}

/** Throws when a network has no address of the wanted kind for something in a location. */
export function addressFor(
  cloud: Cloud,
  network: NetworkRecord,
  location: string,
  wanted: WantedAddress,
): { ip: string; alias_ips: string[] } {
  if (network.members.length >= maxMembers) {
    throw new ApiError("resource_limit_exceeded", `a network can have ${maxMembers} attached resources`);
  }
  const zone = zoneOf(cloud, location);
  const choice = chooseAddress(network, zone, wanted);
  if ("code" in choice) {
    throw choice.code === "invalid_input"
      ? refusedField("ip", choice.message)
      : new ApiError(choice.code, choice.message);
  }
  const alias_ips = wanted.alias_ips ?? [];
  ensureAliases({ ...network, reserved: [choice.ip] }, zone, alias_ips);
  return { ip: choice.ip, alias_ips };
}

export function ensureAliases(network: Layout, zone: string, aliases: string[], own?: Member): void {
  const problem = aliasProblem(network, zone, aliases, own);
  if (problem !== undefined) {
    throw new ApiError(problem.code, problem.message);
  }
}

export function zoneOf(cloud: Cloud, location: string): string {
  return cloud.catalogue().location(location)?.network_zone ?? "";
}

/** The networks a server is in. */
export function networksOf(cloud: Cloud, server: ServerRecord): NetworkRecord[] {
  return membershipsOf(cloud.store, "server", server.id).map(({ network }) => network);
}

/** Takes a deleted server or load balancer out of every network, in the store alone. Tells whether it was in one. */
export function leaveNetworks(cloud: Cloud, type: Member["type"], id: number): boolean {
  const memberships = membershipsOf(cloud.store, type, id);
  for (const { network, member } of memberships) {
    replaceMember(cloud, network, member, null);
  }
  return memberships.length > 0;
}

/** A server's addresses in its networks as the API shows them. */
export function privateNet(cloud: Cloud, serverId: number): object[] {
  return membershipsOf(cloud.store, "server", serverId).map(({ network, member }) => ({
    network: network.id,
    ip: member.ip,
    alias_ips: member.alias_ips,
    mac_address: member.mac,
  }));
}

/** "86:00:" and a number, as private interfaces have it. */
function privateMac(number: number): string {
  return `8600${number.toString(16).padStart(8, "0")}`.replace(/..(?!$)/g, "$&:");
}
