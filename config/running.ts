import type { Architecture, Catalogue } from "./catalogue.ts";

/** A server of this stack at Hetzner. */
export interface RunningServer {
  name: string;
  /** The host it is, by its label; null when the label is gone. */
  host: string | null;
  type: string;
  architecture: Architecture;
  /** GB of the disk it has, which never shrinks. */
  disk: number;
  location: string;
  backups: boolean;
  /** As the API has it, e.g. "running" or "off". */
  status: string;
  /** Name of its placement group at Hetzner; null outside of any. */
  placement: string | null;
  /** Whether it has a public address of the family. */
  ipv4: boolean;
  ipv6: boolean;
  /** Against being deleted; its addresses are as it is. */
  protected: boolean;
}

/** What there is at Hetzner with this stack's label. */
export interface Running {
  servers: RunningServer[];
  primaryIps: { name: string; type: "ipv4" | "ipv6"; location: string }[];
  /** Size in GB. */
  volumes: { name: string; size: number; location: string; protected: boolean }[];
  loadBalancers: { name: string; type: string; location: string; protected: boolean }[];
  /** `range` and `subnets` as CIDR. */
  networks: { name: string; range: string; subnets: string[]; protected: boolean }[];
  /** By their domains. */
  zones: { name: string; protected: boolean }[];
}

/** An ssh key registered in the project. */
export interface RegisteredKey {
  id: number;
  name: string;
  /** MD5 in colon hex. */
  fingerprint: string;
  publicKey: string;
  labels: Record<string, string>;
}

/** What the API says before anything is planned. */
export interface CloudView {
  catalogue: Catalogue;
  sshKeys: RegisteredKey[];
  running: Running;
  /** Names of servers this stack wants and somebody else has. */
  takenNames: string[];
  /** Whether the token is known to allow reading alone. */
  readOnly: boolean;
}
