import { z } from "zod";
import type { Action } from "./actions.ts";
import { takeAddress } from "./addresses.ts";
import { addressesInUse } from "./addresses-in-use.ts";
import { ensureIdle } from "./busy.ts";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notFound, notUnique, refusedField } from "./errors.ts";
import { type FloatingIpRecord, floatingIpRecords } from "./floating-ip-records.ts";
import type { Api, ApiRequest } from "./http.ts";
import { ensureWithinLimit } from "./limits.ts";
import { changedPointers, pointer, pointersOf } from "./primary-ips.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import { freeName, idOrName, labels } from "./validate.ts";

const create = z.object({
  type: z.enum(["ipv4", "ipv6"]),
  server: z.int().nullish(),
  home_location: idOrName.nullish(),
  description: z.string().nullish(),
  name: freeName.nullish(),
  labels: labels.nullish(),
});
const update = z.object({
  name: freeName.nullish(),
  description: z.string().nullish(),
  labels: labels.nullish(),
});

export function serveFloatingIps(api: Api, cloud: Cloud): void {
  const records = floatingIpRecords(cloud.store);
  const resource: Resource<FloatingIpRecord> = {
    many: "floating_ips",
    one: "floating_ip",
    what: "Floating IP",
    records,
    sortable: ["id", "created"],
    filters: { name: byName },
    view: (record) => view(cloud, record),
  };
  const ensureFreeName = (name: string, own?: FloatingIpRecord) => {
    if (records.all().some((record) => record !== own && record.name === name)) {
      throw notUnique("name", "Floating IP name is already used");
    }
  };

  serveReads(api, cloud, resource);
  api.post("/floating_ips", async (request) => {
    const body = request.body(create);
    if (body.name) {
      ensureFreeName(body.name);
    }
    const server = body.server == null ? undefined : serverRecords(cloud.store).get(body.server);
    if (body.server != null && server === undefined) {
      throw refusedField("server", `server with ID '${body.server}' not found`);
    }
    const home = homeOf(cloud, body.home_location) ?? server?.location;
    if (home === undefined) {
      throw refusedField("home_location", "either home_location or server must be given");
    }
    ensureWithinLimit(cloud, { floating_ips: 1 });
    const record = records.add({
      name: body.name ?? "",
      description: body.description ?? null,
      type: body.type,
      ip: takeAddress(cloud.store, cloud.network, body.type, addressesInUse(cloud.store)),
      server: null,
      home_location: home,
      dns_ptr: [],
      protection: { delete: false },
      labels: body.labels ?? {},
    });
    if (!body.name) {
      records.change(record, { name: `floating-ip-${record.id}` });
    }
    const [action] =
      server === undefined ? [null] : await cloud.actions.answer(startAssign(cloud, record, server));
    return show(resource, record, { action }, 201);
  });
  api.put(`/floating_ips/${idParam}`, (request) => {
    const record = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, record);
    }
    records.change(
      record,
      given({
        name: body.name ?? undefined,
        description: body.description ?? undefined,
        labels: body.labels ?? undefined,
      }),
    );
    return show(resource, record);
  });
  api.delete(`/floating_ips/${idParam}`, (request) => {
    const record = find(resource, request);
    if (record.protection.delete) {
      throw new ApiError("protected", "Floating IP deletion is protected");
    }
    if (record.server !== null) {
      throw new ApiError("must_be_unassigned", `Floating IP with ID '${record.id}' must be unassigned first`);
    }
    ensureIdle(cloud, { id: record.id, type: "floating_ip" }, "locked");
    records.remove(record);
    return { status: 204 };
  });

  const action = (name: string, act: (record: FloatingIpRecord, request: ApiRequest) => Action) =>
    api.post(`/floating_ips/${idParam}/actions/${name}`, async (request) => {
      const record = find(resource, request);
      ensureIdle(cloud, { id: record.id, type: "floating_ip" }, "locked");
      const [done] = await cloud.actions.answer(act(record, request));
      return { status: 201, body: { action: done } };
    });

  // To another server it moves in one step: that is what failover scripts and the Terraform provider do.
  action("assign", (record, request) => {
    const { server: id } = request.body(z.object({ server: z.int() }));
    const server = serverRecords(cloud.store).get(id);
    if (server === undefined) {
      throw notFound("server", id);
    }
    if (record.server === server.id) {
      throw new ApiError("floating_ip_assigned", "Floating IP is already assigned to the server");
    }
    return startAssign(cloud, record, server);
  });
  action("unassign", (record) => {
    const server = record.server === null ? undefined : serverRecords(cloud.store).get(record.server);
    if (server === undefined) {
      throw new ApiError("service_error", "Floating IP is not assigned to a server");
    }
    return startMove(cloud, record, null, "unassign_floating_ip", [server]);
  });
  action("change_dns_ptr", (record, request) => {
    const { ip, dns_ptr } = request.body(pointer);
    const changed = changedPointers(record, ip, dns_ptr);
    if (changed === undefined) {
      throw refusedField("ip", `'${ip}' does not belong to this resource`);
    }
    records.change(record, { dns_ptr: changed });
    return cloud.actions.start({ command: "change_dns_ptr", resources: refs(record) });
  });
  action("change_protection", (record, request) => {
    const body = request.body(z.object({ delete: z.boolean() }));
    records.change(record, { protection: { delete: body.delete } });
    return cloud.actions.start({ command: "change_protection", resources: refs(record) });
  });
}

function startAssign(cloud: Cloud, record: FloatingIpRecord, server: ServerRecord): Action {
  return startMove(cloud, record, server.id, "assign_floating_ip", [server]);
}

function startMove(
  cloud: Cloud,
  record: FloatingIpRecord,
  to: number | null,
  command: string,
  servers: ServerRecord[],
): Action {
  const records = floatingIpRecords(cloud.store);
  const from = record.server;
  records.change(record, { server: to });
  return cloud.actions.start({
    command,
    resources: [...refs(record), ...servers.map(({ id }) => ({ id, type: "server" }))],
    work: () => cloud.floatingIps.push(),
    failed: () => {
      // The server it came from may be gone by now.
      const stays = from !== null && serverRecords(cloud.store).get(from) !== undefined;
      records.change(record, { server: stays ? from : null });
    },
  });
}

function homeOf(cloud: Cloud, wanted: number | string | null | undefined): string | undefined {
  if (wanted == null) {
    return undefined;
  }
  const found = cloud.catalogue().location(wanted);
  if (found === undefined) {
    throw refusedField("home_location", `location '${wanted}' not found`);
  }
  return found.name;
}

function view(cloud: Cloud, record: FloatingIpRecord): object {
  return {
    id: record.id,
    name: record.name,
    description: record.description,
    ip: record.ip,
    type: record.type,
    server: record.server,
    dns_ptr: pointersOf(record),
    home_location: cloud.catalogue().location(record.home_location),
    blocked: false,
    protection: record.protection,
    labels: record.labels,
    created: record.created,
  };
}

function refs(record: FloatingIpRecord) {
  return [{ id: record.id, type: "floating_ip" }];
}
