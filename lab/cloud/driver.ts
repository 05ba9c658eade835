/**
 * What the cloud simulator needs from whatever plays its servers.
 * `lab/machines` is the first driver (systemd-nspawn); tests use `MemoryDriver`.
 */

/** Addresses the lab may hand out; chosen free at `lab up` and fixed for the lab's life. */
export interface LabNetwork {
  /** IPv4 network servers get addresses from, e.g. "10.87.12.0/24". The driver keeps .0-.9 and .255. */
  ipv4: string;
  /** IPv6 network that /64s are cut from, e.g. "fd7a:31c2:9e00::/48". Subnet 0 is the driver's. */
  ipv6: string;
}

/** A server as the cloud orders it from the driver. */
export interface MachineSpec {
  /** The cloud's server id; also names the machine. */
  id: number;
  /** Host name. */
  name: string;
  /** Image name, e.g. "debian-13". */
  image: string;
  /** Plain IPv4 address, or null when the public IPv4 is off. */
  ipv4: string | null;
  /** The /64 in CIDR form; the machine answers on `::1` of it. Null when IPv6 is off. */
  ipv6: string | null;
  /** MAC of the public interface, "96:00:…". */
  mac: string;
  /** Authorized keys for root, in OpenSSH form. */
  sshKeys: string[];
  /** cloud-init user data, verbatim. */
  userData: string | null;
}

export type MachineStatus = "running" | "off" | "missing";

/** One rule of a firewall, as the API has it. Only `in` and `out` of one server. */
export interface PacketRule {
  direction: "in" | "out";
  protocol: "tcp" | "udp" | "icmp" | "esp" | "gre";
  /** "80" or "80-85"; null for protocols without ports. */
  port: string | null;
  /** Source (in) or destination (out) networks in CIDR form, both families mixed. */
  networks: string[];
}

/** Every rule in force for one server; `rules: null` means no firewall applies and all is open. */
export interface MachineFirewall {
  id: number;
  rules: PacketRule[] | null;
}

/** Plays servers. Every method resolves when the state it names has been reached, or rejects with one clear line. */
export interface ServerDriver {
  network(): Promise<LabNetwork>;
  /** Lay the image on a new disk. Does not start. */
  create(spec: MachineSpec): Promise<void>;
  /** Lay the image anew on an existing machine's disk. */
  rebuild(spec: MachineSpec): Promise<void>;
  /** New addresses for a machine that is off. */
  configure(spec: MachineSpec): Promise<void>;
  /** Power on; resolves when the machine's init runs, not when ssh answers. */
  start(id: number): Promise<void>;
  /** ACPI power button; resolves when sent. */
  shutdown(id: number): Promise<void>;
  /** Cut the power. */
  stop(id: number): Promise<void>;
  /** Cut and restore the power. */
  reset(id: number): Promise<void>;
  /** Power off and forget the disk; fine when there is no such machine. */
  remove(id: number): Promise<void>;
  status(id: number): Promise<MachineStatus>;
  /** Replace the packet rules of all servers at once. */
  setFirewalls(firewalls: MachineFirewall[]): Promise<void>;
}
