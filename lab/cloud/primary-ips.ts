import { z } from "zod";
import type { Action } from "./actions.ts";
import { addressWithin, takeAddress } from "./addresses.ts";
import { addressesInUse } from "./addresses-in-use.ts";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, invalidField, notUnique, refusedField } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import type { Labels } from "./labels.ts";
import { ensureWithinLimit } from "./limits.ts";
import { isPublicTarget } from "./load-balancer-targets.ts";
import { chosenLocation, legacyDatacenter, place } from "./place.ts";
import {
  type DnsPointer,
  type PrimaryIpRecord,
  primaryIpRecords,
  type ServerRecord,
  serverRecords,
} from "./records.ts";
import { reconfigure, statusNow } from "./server-power.ts";
import { freeName, labels } from "./validate.ts";

export type IpType = "ipv4" | "ipv6";

const create = z.object({
  name: freeName,
  type: z.enum(["ipv4", "ipv6"]),
  ...place,
  assignee_id: z.int().nullish(),
  assignee_type: z.enum(["server", "unassigned"]).nullish(),
  auto_delete: z.boolean().nullish(),
  labels: labels.nullish(),
});
const update = z.object({
  name: freeName.nullish(),
  labels: labels.nullish(),
  auto_delete: z.boolean().nullish(),
});
const assign = z.object({ assignee_id: z.int(), assignee_type: z.literal("server") });

/** `dns_ptr: null` resets to the default. */
export const pointer = z.object({ ip: z.string(), dns_ptr: z.string().min(1).max(253).nullable() });

export function servePrimaryIps(api: Api, cloud: Cloud): void {
  const records = primaryIpRecords(cloud.store);
  const resource: Resource<PrimaryIpRecord> = {
    many: "primary_ips",
    one: "primary_ip",
    what: "Primary IP",
    records,
    sortable: ["id", "created"],
    filters: { name: byName, ip: (record, values) => values.includes(record.ip) },
    view: (record) => view(cloud, record),
  };
  const ensureFreeName = (name: string, own?: PrimaryIpRecord) => {
    if (records.all().some((record) => record !== own && record.name === name)) {
      throw notUnique("name", "Primary IP name is already used");
    }
  };

  serveReads(api, cloud, resource);
  api.post("/primary_ips", async (request) => {
    const body = request.body(create);
    ensureFreeName(body.name);
    const place = chosenLocation(cloud, body);
    if ((place === undefined) === (body.assignee_id == null)) {
      throw refusedField("location", "exactly one of location and assignee_id must be given");
    }
    ensureWithinLimit(cloud, { primary_ips: 1 });
    const server = body.assignee_id == null ? undefined : await assignee(cloud, body.assignee_id, body.type);
    const location = server?.location ?? place?.name ?? "";
    const record = addPrimaryIp(cloud, {
      name: body.name,
      type: body.type,
      location,
      labels: body.labels ?? {},
      autoDelete: body.auto_delete ?? false,
    });
    const [action] =
      server === undefined ? [null] : await cloud.actions.answer(startAssign(cloud, record, server));
    return show(resource, record, { action }, 201);
  });
  api.put(`/primary_ips/${idParam}`, (request) => {
    const record = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, record);
    }
    const { name, labels, auto_delete } = body;
    records.change(
      record,
      given({ name: name ?? undefined, labels: labels ?? undefined, auto_delete: auto_delete ?? undefined }),
    );
    return show(resource, record);
  });
  api.delete(`/primary_ips/${idParam}`, (request) => {
    const record = find(resource, request);
    if (record.protection.delete) {
      throw new ApiError("protected", "Primary IP deletion is protected");
    }
    if (record.assignee_id !== null) {
      throw new ApiError("must_be_unassigned", `Primary IP with ID '${record.id}' must be unassigned first`);
    }
    records.remove(record);
    return { status: 204 };
  });

  const action = (
    name: string,
    act: (record: PrimaryIpRecord, request: ApiRequest) => Action | Promise<Action>,
  ) =>
    api.post(`/primary_ips/${idParam}/actions/${name}`, async (request) => {
      const [done] = await cloud.actions.answer(await act(find(resource, request), request));
      return { status: 201, body: { action: done } };
    });

  action("assign", async (record, request) => {
    const body = request.body(assign);
    if (record.assignee_id !== null) {
      throw new ApiError(
        "primary_ip_already_assigned",
        `Primary IP with ID '${record.id}' is already assigned`,
      );
    }
    const server = await assignee(cloud, body.assignee_id, record.type);
    if (server.location !== record.location) {
      throw new ApiError(
        "primary_ip_datacenter_mismatch",
        "Primary IP and server are in different locations",
      );
    }
    return startAssign(cloud, record, server);
  });
  action("unassign", async (record) => {
    const server =
      record.assignee_id === null ? undefined : serverRecords(cloud.store).get(record.assignee_id);
    if (server === undefined) {
      throw new ApiError("service_error", `Primary IP with ID '${record.id}' is not assigned`);
    }
    await ensureStopped(cloud, server);
    if (record.type === "ipv4" && isPublicTarget(cloud.store, server.id)) {
      throw new ApiError(
        "server_is_load_balancer_target",
        `the IPv4 address of server with ID '${server.id}' is the target of a load balancer`,
      );
    }
    return cloud.actions.start({
      command: "unassign_primary_ip",
      resources: refs(record, server),
      locks: server.id,
      work: () => readdress(cloud, record, server, null),
    });
  });
  action("change_dns_ptr", (record, request) => {
    const { ip, dns_ptr } = request.body(pointer);
    setPointer(cloud, [record], ip, dns_ptr);
    return cloud.actions.start({
      command: "change_dns_ptr",
      resources: [{ id: record.id, type: "primary_ip" }],
    });
  });
  action("change_protection", (record, request) => {
    const body = request.body(z.object({ delete: z.boolean() }));
    records.change(record, { protection: { delete: body.delete } });
    return cloud.actions.start({
      command: "change_protection",
      resources: [{ id: record.id, type: "primary_ip" }],
    });
  });
}

/** Takes a free address and keeps it under a name. Without a name it is called after its id. */
export function addPrimaryIp(
  cloud: Cloud,
  wanted: { name: string | null; type: IpType; location: string; labels: Labels; autoDelete: boolean },
): PrimaryIpRecord {
  const records = primaryIpRecords(cloud.store);
  const record = records.add({
    name: wanted.name ?? "",
    type: wanted.type,
    ip: takeAddress(cloud.store, cloud.network, wanted.type, addressesInUse(cloud.store)),
    location: wanted.location,
    labels: wanted.labels,
    protection: { delete: false },
    dns_ptr: [],
    assignee_id: null,
    auto_delete: wanted.autoDelete,
  });
  if (wanted.name === null) {
    records.change(record, { name: `primary_ip-${record.id}` });
  }
  return record;
}

/** The addresses a server holds; without a key for a family it has none of. */
export function addressesOf(
  cloud: Cloud,
  serverId: number,
): { ipv4?: PrimaryIpRecord; ipv6?: PrimaryIpRecord } {
  const held = primaryIpRecords(cloud.store)
    .all()
    .filter(({ assignee_id }) => assignee_id === serverId);
  return Object.fromEntries(held.map((record) => [record.type, record]));
}

/** Lets go of a deleted server's addresses: those with `auto_delete` go, the others become free. */
export function releaseAddresses(cloud: Cloud, serverId: number): void {
  const records = primaryIpRecords(cloud.store);
  for (const record of Object.values(addressesOf(cloud, serverId))) {
    record.auto_delete ? records.remove(record) : records.change(record, { assignee_id: null });
  }
}

/** Sets or resets the name of one address; 422 when none of the records holds it. */
export function setPointer(
  cloud: Cloud,
  held: PrimaryIpRecord[],
  address: string,
  dnsPtr: string | null,
): void {
  for (const record of held) {
    const dns_ptr = changedPointers(record, address, dnsPtr);
    if (dns_ptr !== undefined) {
      primaryIpRecords(cloud.store).change(record, { dns_ptr });
      return;
    }
  }
  throw invalidField("ip", `'${address}' does not belong to this resource`);
}

type Named = Pick<PrimaryIpRecord, "type" | "ip" | "dns_ptr">;

/** The names with the one of an address set or taken away; undefined when it is another's address. */
export function changedPointers(
  record: Named,
  address: string,
  dnsPtr: string | null,
): DnsPointer[] | undefined {
  const ip = addressWithin(record.ip, address);
  if (ip === undefined) {
    return undefined;
  }
  const others = record.dns_ptr.filter((other) => other.ip !== ip);
  return dnsPtr === null ? others : [...others, { ip, dns_ptr: dnsPtr }];
}

/** The names as they resolve: an IPv4 always has one. */
export function pointersOf(record: Named): DnsPointer[] {
  if (record.type === "ipv4" && record.dns_ptr.length === 0) {
    const reversed = record.ip.split(".").reverse().join(".");
    return [{ ip: record.ip, dns_ptr: `static.${reversed}.clients.your-server.de` }];
  }
  return record.dns_ptr;
}

function view(cloud: Cloud, record: PrimaryIpRecord): object {
  return {
    ...record,
    location: cloud.catalogue().location(record.location),
    ...legacyDatacenter(cloud, record.location),
    dns_ptr: pointersOf(record),
    assignee_type: record.assignee_id === null ? "unassigned" : "server",
    blocked: false,
  };
}

async function assignee(cloud: Cloud, serverId: number, type: IpType): Promise<ServerRecord> {
  const server = serverRecords(cloud.store).get(serverId);
  if (server === undefined) {
    throw refusedField("assignee_id", `server with ID '${serverId}' not found`);
  }
  if (addressesOf(cloud, server.id)[type] !== undefined) {
    throw new ApiError(`server_has_${type}`, `server with ID '${server.id}' already has an ${type}`);
  }
  await ensureStopped(cloud, server);
  return server;
}

export async function ensureStopped(cloud: Cloud, server: ServerRecord): Promise<void> {
  const status = await statusNow(cloud, server);
  cloud.actions.ensureUnlocked(server.id);
  if (status !== "off") {
    throw new ApiError("server_not_stopped", `server with ID '${server.id}' must be off`);
  }
}

function startAssign(cloud: Cloud, record: PrimaryIpRecord, server: ServerRecord): Action {
  // Held from now on, so that nobody else gets it while the driver works.
  primaryIpRecords(cloud.store).change(record, { assignee_id: server.id });
  return cloud.actions.start({
    command: "assign_primary_ip",
    resources: refs(record, server),
    locks: server.id,
    work: () => readdress(cloud, record, server, server.id),
  });
}

/** Changes whose address it is, and frees or keeps it when the driver cannot follow. */
async function readdress(
  cloud: Cloud,
  record: PrimaryIpRecord,
  server: ServerRecord,
  assigneeId: number | null,
): Promise<void> {
  const records = primaryIpRecords(cloud.store);
  records.change(record, { assignee_id: assigneeId });
  try {
    await reconfigure(cloud, server);
  } catch (error) {
    records.change(record, { assignee_id: assigneeId === null ? server.id : null });
    throw error;
  }
}

function refs(record: PrimaryIpRecord, server: ServerRecord) {
  return [
    { id: record.id, type: "primary_ip" },
    { id: server.id, type: "server" },
  ];
}
