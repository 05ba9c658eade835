import type { PrivateInterface } from "./driver.ts";
import type { Labels } from "./labels.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import type { Collection, Item, Store } from "./store.ts";

export interface Subnet {
  type: "cloud" | "server" | "vswitch";
  ip_range: string;
  network_zone: string;
  vswitch_id: number | null;
}

export interface Route {
  destination: string;
  gateway: string;
}

/** Something with an address in a network. */
export interface Member {
  type: "server" | "load_balancer";
  id: number;
  ip: string;
  alias_ips: string[];
  mac: string;
}

export interface NetworkRecord extends Item {
  name: string;
  /** CIDR, byte for byte as clients look subnets up by it. */
  ip_range: string;
  subnets: Subnet[];
  routes: Route[];
  labels: Labels;
  protection: { delete: boolean };
  expose_routes_to_vswitch: boolean;
  /** In the order they came. */
  members: Member[];
}

export const networkRecords = (store: Store): Collection<NetworkRecord> => store.collection("networks");

export function memberOf(network: NetworkRecord, type: Member["type"], id: number): Member | undefined {
  return network.members.find((member) => member.type === type && member.id === id);
}

/** The networks something is in, in the order it came into them, with its place in each. */
export function membershipsOf(
  store: Store,
  type: Member["type"],
  id: number,
): { network: NetworkRecord; member: Member }[] {
  return networkRecords(store)
    .all()
    .flatMap((network) => {
      const member = memberOf(network, type, id);
      return member ? [{ network, member }] : [];
    })
    .sort((a, b) => (a.member.mac < b.member.mac ? -1 : 1));
}

/** What the driver has to plug: the interfaces of all servers that have a machine. */
export function privateInterfaces(store: Store): PrivateInterface[] {
  const machines = new Set(
    serverRecords(store)
      .all()
      .filter((server: ServerRecord) => server.has_machine)
      .map(({ id }) => id),
  );
  return networkRecords(store)
    .all()
    .flatMap((network) =>
      network.members
        .filter(({ type, id }) => type === "server" && machines.has(id))
        .map((member) => ({
          server: member.id,
          network: network.id,
          mac: member.mac,
          address: member.ip,
          aliases: [...member.alias_ips],
          range: network.ip_range,
        })),
    );
}
