import { createHash } from "node:crypto";
import { join } from "node:path";

/** Every name a lab gives to something outside its folder, so that recovery finds what is this lab's and nothing else. */
export interface LabNames {
  /** Four hex digits of the lab folder's path hash. */
  id: string;
  /** Network namespace of the lab. */
  namespace: string;
  /** Path of the namespace, for nsenter. */
  namespacePath: string;
  /** Outer end of the veth that joins the lab to the machine. */
  link: string;
  /** Inner end of that veth. */
  uplink: string;
  /** Bridge inside the namespace. */
  bridge: string;
  /** Folder below every cgroup root that the lab's processes live in. */
  cgroup: string;
}

/**
 * Names of the lab in a folder.
 * @param folder absolute path of the lab's folder, symbolic links resolved
 */
export function labNames(folder: string): LabNames {
  const id = createHash("sha256").update(folder).digest("hex").slice(0, 4);
  const name = `berth-${id}`;
  return {
    id,
    namespace: name,
    namespacePath: `/run/netns/${name}`,
    link: name,
    uplink: "uplink",
    bridge: "bridge",
    cgroup: name,
  };
}

/** Where the driver keeps its things in the lab's folder. */
export interface LabPlaces {
  socket: string;
  /** Says which process is the daemon. */
  daemon: string;
  /** The cloud's socket that answers metadata. */
  metadataSocket: string;
  network: string;
  machines: string;
  firewalls: string;
  /** What hangs on the servers: private interfaces, volumes, floating addresses. */
  attachments: string;
  /** Volumes' files. */
  volumes: string;
  /** Snapshots' disks. */
  snapshots: string;
  /** Folders of load balancers, name server and ACME server. */
  services: string;
  /** Roots of the certificates that the ACME server issues, the newest first; anybody may read it. */
  acmeRoots: string;
}

/** Places in the lab folder `folder`. */
export function labPlaces(folder: string): LabPlaces {
  const machines = join(folder, "machines");
  return {
    socket: join(folder, "machines.sock"),
    daemon: join(folder, "machines.pid"),
    metadataSocket: join(folder, "metadata.sock"),
    network: join(folder, "network.json"),
    machines,
    firewalls: join(machines, "firewalls.json"),
    attachments: join(machines, "attachments.json"),
    volumes: join(machines, "volumes"),
    snapshots: join(machines, "snapshots"),
    services: join(machines, "services"),
    acmeRoots: join(folder, "acme-root.pem"),
  };
}

/** The gateway every server has, as at Hetzner. */
export const GATEWAY = { ipv4: "172.31.1.1", ipv6: "fe80::1" } as const;

/** Where servers ask for their metadata. */
export const METADATA_ADDRESS = "169.254.169.254";

/** The bridge port of a server; fits the kernel's 15 characters for ids of up to 13 digits. */
export function portName(id: number): string {
  return `vm${id}`;
}

/** The bridge of a private network, of up to 13 digits, too. */
export function privateBridgeName(network: number): string {
  return `pn${network}`;
}

/** The bridge port of a server (or of whatever else `owner` names) in a private network. */
export function privatePortName(owner: number | string, network: number): string {
  return `pp${createHash("sha256").update(`${owner} ${network}`).digest("hex").slice(0, 12)}`;
}
