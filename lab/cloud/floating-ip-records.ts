import type { FloatingAddress } from "./driver.ts";
import type { Labels } from "./labels.ts";
import { type DnsPointer, serverRecords } from "./records.ts";
import type { Collection, Item, Store } from "./store.ts";

export interface FloatingIpRecord extends Item {
  name: string;
  description: string | null;
  type: "ipv4" | "ipv6";
  /** A plain IPv4 address, or a /64 in CIDR form. */
  ip: string;
  server: number | null;
  /** Catalogue name. */
  home_location: string;
  /** Only those that were set; the default of an IPv4 is derived. */
  dns_ptr: DnsPointer[];
  protection: { delete: boolean };
  labels: Labels;
}

export const floatingIpRecords = (store: Store): Collection<FloatingIpRecord> =>
  store.collection("floating_ips");

/** The floating IPs that are assigned to a server. */
export function floatingIpsOf(store: Store, serverId: number): FloatingIpRecord[] {
  return floatingIpRecords(store)
    .all()
    .filter(({ server }) => server === serverId);
}

/** Where the driver has to route each floating IP; to nobody while the server has no machine. */
export function floatingAddresses(store: Store): FloatingAddress[] {
  return floatingIpRecords(store)
    .all()
    .map(({ ip, server }) => ({
      ip,
      server: server !== null && serverRecords(store).get(server)?.has_machine ? server : null,
    }));
}
