import { z } from "zod";
import type { CloudView, RegisteredKey, Running } from "../../config/running.ts";
import { stackLabel } from "../../config/ssh-keys.ts";
import { Failure } from "../failure.ts";
import { HetznerApi } from "./api.ts";
import { architecture, readCatalogue } from "./catalogue.ts";

export interface LookOptions {
  token: string;
  /** Where the token is from, e.g. "hcloud:token". */
  tokenFrom: string;
  /** With the version, e.g. "https://api.hetzner.cloud/v1". */
  endpoint: string;
  stack: string;
  /** Names of the servers the stack wants. */
  servers: readonly string[];
  /** Told to people while they wait. */
  say: (line: string) => void;
  /** Whether to find out if the token may write, by an order of nothing; without it, all requests only read. @default true */
  askRights?: boolean;
  /** Milliseconds for everything. @default 90000 */
  deadline?: number;
  now?: () => Date;
}

const labels = z.record(z.string(), z.string());
const place = z.object({ name: z.string() });
const protection = z.object({ delete: z.boolean() });
const sshKey = z.object({
  id: z.int(),
  name: z.string(),
  fingerprint: z.string(),
  public_key: z.string(),
  labels,
});
const address = z.object({ ip: z.string() }).nullable();
const server = z.object({
  name: z.string(),
  status: z.string(),
  labels,
  server_type: z.object({ name: z.string(), architecture }),
  primary_disk_size: z.number(),
  location: place,
  backup_window: z.string().nullable(),
  placement_group: place.nullish(),
  public_net: z.object({ ipv4: address, ipv6: address }),
  protection,
});
const primaryIp = z.object({ name: z.string(), type: z.enum(["ipv4", "ipv6"]), location: place });
const volume = z.object({ name: z.string(), size: z.number(), location: place, protection });
const loadBalancer = z.object({
  name: z.string(),
  load_balancer_type: z.object({ name: z.string() }),
  location: place,
  protection,
});
const network = z.object({
  name: z.string(),
  ip_range: z.string(),
  subnets: z.array(z.object({ ip_range: z.string() })),
  protection,
});
const zone = z.object({ name: z.string(), protection });

/**
 * What Hetzner sells, what runs for the stack, and whether the token may write: everything a plan needs, asked at once.
 * Changes nothing. Throws a Failure when it is not all answered within the deadline.
 */
export async function lookAtCloud(options: LookOptions): Promise<CloudView> {
  const { endpoint, stack, askRights = true, deadline = 90_000, now = () => new Date() } = options;
  const ended = new AbortController();
  const late = setTimeout(
    () =>
      ended.abort(
        new Failure({
          tried: `ask Hetzner's API (${endpoint})`,
          cameBack: `not everything was answered within ${deadline / 1000} s`,
          stands: "Nothing was created or changed.",
          next: "check the network and hcloud:endpoint, and run this again",
        }),
      ),
    deadline,
  );
  const api = new HetznerApi({ ...options, signal: ended.signal, until: Date.now() + deadline });
  try {
    const [readOnly, catalogue, sshKeys, running] = await Promise.all([
      askRights ? api.readOnly() : false,
      readCatalogue(api, endpoint, now()),
      api.list("/ssh_keys", "ssh_keys", sshKey),
      readRunning(api, stack),
    ]);
    const missing = options.servers.filter((name) => !running.servers.some((one) => one.name === name));
    const taken = await Promise.all(missing.map((name) => isTaken(api, name)));
    return {
      catalogue,
      sshKeys: sshKeys.map(({ public_key: publicKey, ...key }): RegisteredKey => ({ ...key, publicKey })),
      running,
      takenNames: missing.filter((_, index) => taken[index]),
      readOnly,
    };
  } finally {
    clearTimeout(late);
    // One that failed leaves no others behind.
    ended.abort(new Error("the look at the cloud is over"));
  }
}

async function readRunning(api: HetznerApi, stack: string): Promise<Running> {
  const of = `label_selector=${encodeURIComponent(`${stackLabel}=${stack}`)}`;
  const [servers, primaryIps, volumes, loadBalancers, networks, zones] = await Promise.all([
    api.list(`/servers?${of}`, "servers", server),
    api.list(`/primary_ips?${of}`, "primary_ips", primaryIp),
    api.list(`/volumes?${of}`, "volumes", volume),
    api.list(`/load_balancers?${of}`, "load_balancers", loadBalancer),
    api.list(`/networks?${of}`, "networks", network),
    api.list(`/zones?${of}`, "zones", zone),
  ]);
  return {
    servers: servers.map((one) => ({
      name: one.name,
      host: one.labels["berth-host"] ?? null,
      type: one.server_type.name,
      architecture: one.server_type.architecture,
      disk: one.primary_disk_size,
      location: one.location.name,
      backups: one.backup_window !== null,
      status: one.status,
      placement: one.placement_group?.name ?? null,
      ipv4: one.public_net.ipv4 !== null,
      ipv6: one.public_net.ipv6 !== null,
      protected: one.protection.delete,
    })),
    primaryIps: primaryIps.map(({ name, type, location }) => ({ name, type, location: location.name })),
    volumes: volumes.map(({ name, size, location, protection }) => ({
      name,
      size,
      location: location.name,
      protected: protection.delete,
    })),
    loadBalancers: loadBalancers.map(({ name, load_balancer_type: type, location, protection }) => ({
      name,
      type: type.name,
      location: location.name,
      protected: protection.delete,
    })),
    networks: networks.map(({ name, ip_range: range, subnets, protection }) => ({
      name,
      range,
      subnets: subnets.map(({ ip_range: subnet }) => subnet),
      protected: protection.delete,
    })),
    zones: zones.map(({ name, protection }) => ({ name, protected: protection.delete })),
  };
}

async function isTaken(api: HetznerApi, name: string): Promise<boolean> {
  const found = await api.list(
    `/servers?name=${encodeURIComponent(name)}`,
    "servers",
    z.object({ name: z.string() }),
  );
  return found.length > 0;
}
