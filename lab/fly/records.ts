import { randomBytes } from "node:crypto";
import type { MachineConfig } from "../../deployer/fly/shapes.ts";
import type { ImageFacts } from "./driver.ts";

/** An answer that is no success, as Fly words it. */
export class FlyApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, message: string, code = "unknown") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface CheckRecord {
  name: string;
  status: "passing" | "critical" | "warning";
  output: string;
}

export interface EventRecord {
  type: "launch" | "update" | "start" | "exit" | "restart" | "destroy";
  status: string;
  source: "user" | "flyd";
  /** Milliseconds since 1970. */
  timestamp: number;
  request?: { exit_event: { exit_code: number; requested_stop: boolean } };
}

export interface MachineRecord {
  id: string;
  name: string;
  region: string;
  state: string;
  /** Of its configuration; another one for each. */
  version: string;
  config: MachineConfig;
  image: ImageFacts;
  cordoned: boolean;
  /** Of the app's secrets that it was last given. */
  secretsVersion: number;
  secrets: Record<string, string>;
  lease: { nonce: string; expiresAt: number } | undefined;
  checks: CheckRecord[];
  /** The newest first. */
  events: EventRecord[];
  restarts: number;
  versions: { version: string; user_config: MachineConfig }[];
  createdAt: string;
}

export interface VolumeRecord {
  id: string;
  name: string;
  region: string;
  sizeGb: number;
  attachedTo: string | undefined;
}

export interface AppRecord {
  name: string;
  organization: string;
  machines: Map<string, MachineRecord>;
  secrets: Map<string, string>;
  secretsVersion: number;
  volumes: Map<string, VolumeRecord>;
  addresses: { ip: string; region: string; shared: boolean; type: string }[];
  certificates: Set<string>;
}

export const newId = (bytes: number): string => randomBytes(bytes).toString("hex");
/** Versions sort by their time, as Fly's do. */
let versions = 0;
export const newVersion = (): string =>
  `01${(++versions).toString(36).toUpperCase().padStart(6, "0")}${newId(8).toUpperCase()}`;

/** A machine as the API gives it: what is empty is left out. */
export function viewOf(machine: MachineRecord): object {
  return {
    id: machine.id,
    name: machine.name,
    state: machine.state,
    region: machine.region,
    instance_id: machine.version,
    image_ref: machine.image,
    config: machine.config,
    created_at: machine.createdAt,
    ...(machine.checks.length > 0 && { checks: machine.checks }),
    events: machine.events,
    host_status: "ok",
    cordoned: machine.cordoned,
  };
}
