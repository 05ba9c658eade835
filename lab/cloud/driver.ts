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
  /** Image name, e.g. "debian-13", or the id of a snapshot. */
  image: string | number;
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

/** A server's interface in one private network. */
export interface PrivateInterface {
  /** Server id. */
  server: number;
  /** Network id; servers of one network see each other on it. */
  network: number;
  /** MAC of the interface, "86:00:…". */
  mac: string;
  /** E.g. "10.0.1.2". */
  address: string;
  /** More addresses of the same interface. */
  aliases: string[];
  /** The whole network, e.g. "10.0.0.0/16"; the guest reaches all of it through the interface. */
  range: string;
}

/** A disk of its own that can hang on a server. */
export interface VolumeSpec {
  id: number;
  /** GB */
  size: number;
  /** Made once, on a volume that is new; null leaves it blank. */
  format: "ext4" | "xfs" | null;
  /** The server it hangs on; it appears there as /dev/disk/by-id/scsi-0HC_Volume_<id>. */
  server: number | null;
}

/** An address that is routed to a server beside its own. */
export interface FloatingAddress {
  /** "10.87.12.77", or a /64 in CIDR form. */
  ip: string;
  server: number | null;
}

/** A load balancer, as the driver runs it: an address, and what happens to connections to it. */
export interface BalancerSpec {
  id: number;
  name: string;
  /** Null when the public interface is off. */
  ipv4: string | null;
  /** The /64 in CIDR form; the balancer answers on `::1` of it. */
  ipv6: string | null;
  mac: string;
  /** Its interfaces in private networks. */
  privateInterfaces: Omit<PrivateInterface, "server" | "aliases">[];
  algorithm: "round_robin" | "least_connections";
  services: BalancerService[];
  /** Where connections go: addresses, public or private. */
  targets: { key: string; address: string }[];
}

export interface BalancerService {
  listenPort: number;
  destinationPort: number;
  protocol: "tcp" | "http" | "https";
  proxyProtocol: boolean;
  /** Only for http and https. */
  http: {
    /** Null without sticky sessions. */
    cookie: { name: string; lifetime: number } | null;
    /** Port 80 answers with a redirect to this service. */
    redirectHttp: boolean;
    /** Seconds */
    idleTimeout: number;
    /** PEM: certificate chain and private key, in the order they are offered. */
    certificates: { chain: string; key: string }[];
  } | null;
  healthCheck: {
    protocol: "tcp" | "http";
    port: number;
    /** Seconds */
    interval: number;
    /** Seconds */
    timeout: number;
    retries: number;
    http: {
      domain: string | null;
      path: string;
      /** Text the answer must contain. */
      response: string | null;
      /** "200", "2??". */
      statusCodes: string[];
      tls: boolean;
    } | null;
  };
}

/** How a balancer's targets are, by service. */
export interface BalancerHealth {
  id: number;
  targets: { key: string; listenPort: number; status: "healthy" | "unhealthy" | "unknown" }[];
}

/** A DNS zone as a zone file, served by the lab's name server. */
export interface ZoneSpec {
  name: string;
  /** RFC 1035 master file, complete with SOA and NS. */
  text: string;
}

/** Rescue system to boot instead of the disk, once. */
export interface RescueSpec {
  /** Authorized keys for its root. */
  sshKeys: string[];
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
  /** Replace all private interfaces; those of running machines are plugged and unplugged. */
  setPrivateInterfaces(interfaces: PrivateInterface[]): Promise<void>;
  /** Replace the list of volumes: new ones are made, others grown, attached or detached; those left out lose their data. */
  setVolumes(volumes: VolumeSpec[]): Promise<void>;
  /** Replace all floating addresses. */
  setFloatingAddresses(addresses: FloatingAddress[]): Promise<void>;
  /** Keep a copy of a server's disk as an image. The machine may run. Resolves with its size in GB. */
  takeSnapshot(serverId: number, image: number): Promise<{ size: number }>;
  /** Forget a copy; fine when there is none. */
  removeSnapshot(image: number): Promise<void>;
  /** What the next boot loads instead of the disk, once; null takes it back. */
  setRescue(id: number, rescue: RescueSpec | null): Promise<void>;
  /** Replace all load balancers. */
  setBalancers(balancers: BalancerSpec[]): Promise<void>;
  balancerHealth(): Promise<BalancerHealth[]>;
  /** Replace everything the name server serves. */
  setZones(zones: ZoneSpec[]): Promise<void>;
  /** Directory URL of the ACME server, with the PEM of the root that signs its own TLS; null where there is none. */
  acme(): Promise<{ directory: string; root: string } | null>;
}
