import type { Labels } from "./labels.ts";
import type { Collection, Item, Store } from "./store.ts";

/** What the store holds, and nothing derived from it. */

export interface SshKeyRecord extends Item {
  name: string;
  /** MD5 in colon hex. */
  fingerprint: string;
  /** Byte for byte as it was sent. */
  public_key: string;
  labels: Labels;
}

export interface DnsPointer {
  ip: string;
  dns_ptr: string;
}

export interface PrimaryIpRecord extends Item {
  name: string;
  type: "ipv4" | "ipv6";
  /** A plain IPv4 address, or a /64 in CIDR form. */
  ip: string;
  location: string;
  labels: Labels;
  protection: { delete: boolean };
  /** Only those that were set; the default of an IPv4 is derived. */
  dns_ptr: DnsPointer[];
  assignee_id: number | null;
  auto_delete: boolean;
}

export interface FirewallRule {
  direction: "in" | "out";
  protocol: "tcp" | "udp" | "icmp" | "esp" | "gre";
  port: string | null;
  source_ips: string[];
  destination_ips: string[];
  description: string | null;
}

export type FirewallTarget =
  | { type: "server"; server: { id: number } }
  | { type: "label_selector"; label_selector: { selector: string } };

export interface FirewallRecord extends Item {
  name: string;
  labels: Labels;
  rules: FirewallRule[];
  applied_to: FirewallTarget[];
}

export type ServerStatus =
  | "initializing"
  | "starting"
  | "running"
  | "stopping"
  | "off"
  | "deleting"
  | "rebuilding"
  | "unknown";

export interface ServerRecord extends Item {
  name: string;
  /** Last known; what is shown is asked from the driver. */
  status: ServerStatus;
  /** Catalogue name. */
  server_type: string;
  /** Catalogue name. */
  location: string;
  /** Catalogue id. */
  image: number;
  labels: Labels;
  protection: { delete: boolean; rebuild: boolean };
  backup_window: string | null;
  primary_disk_size: number;
  mac: string;
  /** Authorized keys as they were when the server was ordered. */
  ssh_keys: string[];
  user_data: string | null;
  /** Id of the disc in its drive. */
  iso?: number | null;
  /** When the rescue system was switched on for the next boot. */
  rescue_since?: string | null;
  /** Whether the driver has a machine for it. */
  has_machine: boolean;
}

export const sshKeyRecords = (store: Store): Collection<SshKeyRecord> => store.collection("ssh_keys");
export const primaryIpRecords = (store: Store): Collection<PrimaryIpRecord> =>
  store.collection("primary_ips");
export const firewallRecords = (store: Store): Collection<FirewallRecord> => store.collection("firewalls");
export const serverRecords = (store: Store): Collection<ServerRecord> => store.collection("servers");
