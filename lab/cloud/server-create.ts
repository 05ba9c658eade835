import { z } from "zod";
import type { Action } from "./actions.ts";
import type { ServerType } from "./catalogue.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notUnique, refusedField } from "./errors.ts";
import { chooseImage } from "./images.ts";
import { dedicatedCores, ensureWithinLimit } from "./limits.ts";
import { chosenLocation, place } from "./place.ts";
import { addPrimaryIp, type IpType } from "./primary-ips.ts";
import {
  type FirewallRecord,
  firewallRecords,
  type PrimaryIpRecord,
  primaryIpRecords,
  type ServerRecord,
  serverRecords,
} from "./records.ts";
import {
  type Attachments,
  attachmentFields,
  chooseAttachments,
  plugAttachments,
  startAttachments,
  takeAttachments,
} from "./server-attachments.ts";
import { powerOn, setStatus, specOf } from "./server-power.ts";
import { publicKey } from "./ssh-keys.ts";
import { idOrName, labels } from "./validate.ts";

const userDataLimit = 32 * 1024;

export const hostName = z
  .string()
  .max(253)
  .regex(
    /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/,
    "must be a valid host name (RFC 1123)",
  );

export const userData = z.string().refine((text) => Buffer.byteLength(text) <= userDataLimit, "is too long");

const create = z.object({
  name: hostName,
  server_type: idOrName,
  image: idOrName,
  ...place,
  ssh_keys: z.array(idOrName).nullish(),
  start_after_create: z.boolean().nullish(),
  user_data: userData.nullish(),
  labels: labels.nullish(),
  firewalls: z.array(z.object({ firewall: z.int() })).nullish(),
  public_net: z
    .object({
      enable_ipv4: z.boolean().nullish(),
      enable_ipv6: z.boolean().nullish(),
      ipv4: z.int().nullish(),
      ipv6: z.int().nullish(),
    })
    .nullish(),
  ...attachmentFields,
});

type Order = z.output<typeof create>;

export { create as createServerBody };

/** Orders a server: everything is checked before anything is taken. */
export function createServer(
  cloud: Cloud,
  order: Order,
): { server: ServerRecord; created: Action; next: Action[] } {
  ensureFreeHostName(cloud, order.name);
  const { type, location } = chooseType(cloud, order);
  const image = chooseImage(cloud, order.image, type);
  const keys = (order.ssh_keys ?? []).map((key) => publicKey(cloud, key));
  const firewalls = (order.firewalls ?? []).map(({ firewall }) => existingFirewall(cloud, firewall));
  const addresses = (["ipv4", "ipv6"] as const).map((family) =>
    chooseAddress(cloud, family, location, order.public_net ?? {}),
  );
  const attachments = chooseAttachments(cloud, order, location);

  ensureWithinLimit(cloud, {
    servers: 1,
    dedicated_cores: dedicatedCores(cloud.catalogue(), type.name),
    primary_ips: addresses.filter((address) => typeof address === "string").length,
  });
  const server = addServer(cloud, { order, type, image, location, keys });
  for (const address of addresses) {
    const record = typeof address === "string" ? ownAddress(cloud, address, location) : address;
    if (record !== null) {
      primaryIpRecords(cloud.store).change(record, { assignee_id: server.id });
    }
  }
  for (const firewall of firewalls) {
    const target = { type: "server" as const, server: { id: server.id } };
    firewallRecords(cloud.store).change(firewall, { applied_to: [...firewall.applied_to, target] });
  }
  takeAttachments(cloud, server, attachments);
  return { server, ...startActions(cloud, server, attachments, order.start_after_create ?? true) };
}

function startActions(
  cloud: Cloud,
  server: ServerRecord,
  attachments: Attachments,
  start: boolean,
): { created: Action; next: Action[] } {
  const common = { resources: [{ id: server.id, type: "server" }], locks: server.id };
  const created = cloud.actions.start({
    ...common,
    command: "create_server",
    work: () => lay(cloud, server),
    failed: () => setStatus(cloud, server, "off"),
  });
  const next = startAttachments(cloud, server, attachments, created);
  if (start) {
    next.push(
      cloud.actions.start({
        ...common,
        command: "start_server",
        after: next.at(-1) ?? created,
        work: () => powerOn(cloud, server),
      }),
    );
  }
  return { created, next };
}

async function lay(cloud: Cloud, server: ServerRecord): Promise<void> {
  try {
    await cloud.driver.create(specOf(cloud, server));
    serverRecords(cloud.store).change(server, { has_machine: true });
    await cloud.firewalls.push();
    await plugAttachments(cloud, server);
  } finally {
    setStatus(cloud, server, "off");
  }
}

function addServer(
  cloud: Cloud,
  {
    order,
    type,
    image,
    location,
    keys,
  }: { order: Order; type: ServerType; image: { id: number }; location: string; keys: string[] },
): ServerRecord {
  const records = serverRecords(cloud.store);
  const server = records.add({
    name: order.name,
    status: "initializing",
    server_type: type.name,
    location,
    image: image.id,
    labels: order.labels ?? {},
    protection: { delete: false, rebuild: false },
    backup_window: null,
    primary_disk_size: type.disk,
    mac: "",
    ssh_keys: keys,
    user_data: order.user_data ?? null,
    has_machine: false,
  });
  records.change(server, { mac: macOf(server.id) });
  return server;
}

/** "96:00:" and the id, as public interfaces have it. */
export function macOf(id: number): string {
  return `9600${id.toString(16).padStart(8, "0")}`.replace(/..(?!$)/g, "$&:");
}

export function ensureFreeHostName(cloud: Cloud, name: string, own?: ServerRecord): void {
  const taken = serverRecords(cloud.store)
    .all()
    .some((server) => server !== own && server.name.toLowerCase() === name.toLowerCase());
  if (taken) {
    throw notUnique("name", "server name is already used");
  }
}

function chooseType(cloud: Cloud, order: Order): { type: ServerType; location: string } {
  const catalogue = cloud.catalogue();
  const type = catalogue.serverType(order.server_type);
  if (type === undefined) {
    throw refusedField("server_type", `server type '${order.server_type}' not found`);
  }
  const anywhere = type.locations.find(({ available }) => available) ?? type.locations[0];
  const wanted = (chosenLocation(cloud, order) ?? anywhere)?.name;
  if (wanted === undefined) {
    throw refusedField("server_type", `server type '${type.name}' is sold nowhere`);
  }
  ensureSold(cloud, type, wanted);
  return { type, location: wanted };
}

/** 412 when the type is sold out there; 422 when it was never or is no longer sold there. */
export function ensureSold(cloud: Cloud, type: ServerType, location: string): void {
  if (cloud.catalogue().isSoldOut(type.name, location)) {
    throw new ApiError("resource_unavailable", "error during placement");
  }
  const offer = type.locations.find(({ name }) => name === location);
  if (offer === undefined || !offer.available) {
    throw refusedField(
      "location",
      `unsupported location for server type: '${type.name}' cannot be ordered in '${location}'`,
    );
  }
}

function existingFirewall(cloud: Cloud, id: number): FirewallRecord {
  const firewall = firewallRecords(cloud.store).get(id);
  if (firewall === undefined) {
    throw refusedField("firewalls", `firewall with ID '${id}' not found`);
  }
  return firewall;
}

type PublicNet = NonNullable<Order["public_net"]>;

/** A free primary IP that was named, the family of one to be made, or null when it is off. */
function chooseAddress(
  cloud: Cloud,
  family: IpType,
  location: string,
  net: PublicNet,
): PrimaryIpRecord | IpType | null {
  const enabled = net[`enable_${family}`] ?? true;
  const id = net[family] ?? null;
  if (!enabled && id !== null) {
    throw refusedField(`public_net.${family}`, `a primary IP was given, but enable_${family} is false`);
  }
  if (id === null) {
    return enabled ? family : null;
  }
  const record = primaryIpRecords(cloud.store).get(id);
  if (record === undefined) {
    throw refusedField(`public_net.${family}`, `Primary IP with ID '${id}' not found`);
  }
  if (record.type !== family) {
    throw new ApiError("primary_ip_version_mismatch", `Primary IP with ID '${id}' is not an ${family}`);
  }
  if (record.assignee_id !== null) {
    throw new ApiError("primary_ip_assigned", `Primary IP with ID '${id}' is already assigned`);
  }
  if (record.location !== location) {
    throw new ApiError(
      "primary_ip_datacenter_mismatch",
      `Primary IP with ID '${id}' is in '${record.location}', the server in '${location}'`,
    );
  }
  return record;
}

function ownAddress(cloud: Cloud, type: IpType, location: string): PrimaryIpRecord {
  return addPrimaryIp(cloud, { name: null, type, location, labels: {}, autoDelete: true });
}
