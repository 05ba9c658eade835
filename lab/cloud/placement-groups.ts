import { z } from "zod";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notFound, notUnique } from "./errors.ts";
import type { Api } from "./http.ts";
import type { Labels } from "./labels.ts";
import { ensureWithinLimit } from "./limits.ts";
import { ensureStopped } from "./primary-ips.ts";
import type { ServerRecord } from "./records.ts";
import type { Act } from "./server-act.ts";
import type { Collection, Item, Store } from "./store.ts";
import { freeName, labels } from "./validate.ts";

export interface PlacementGroupRecord extends Item {
  name: string;
  labels: Labels;
  type: "spread";
  /** Ids, in the order they came. */
  servers: number[];
}

const maxServers = 10;

export const placementGroupRecords = (store: Store): Collection<PlacementGroupRecord> =>
  store.collection("placement_groups");

const create = z.object({ name: freeName, type: z.literal("spread"), labels: labels.nullish() });
const update = z.object({ name: freeName.nullish(), labels: labels.nullish() });

export function servePlacementGroups(api: Api, cloud: Cloud): void {
  const records = placementGroupRecords(cloud.store);
  const resource: Resource<PlacementGroupRecord> = {
    many: "placement_groups",
    one: "placement_group",
    what: "placement group",
    records,
    sortable: ["id", "name", "created"],
    withoutActions: true,
    filters: { name: byName, type: (group, values) => values.includes(group.type) },
    view: (group) => group,
  };
  const ensureFreeName = (name: string, own?: PlacementGroupRecord) => {
    if (records.all().some((group) => group !== own && group.name === name)) {
      throw notUnique("name", "placement group name is already used");
    }
  };

  serveReads(api, cloud, resource);
  api.post("/placement_groups", (request) => {
    const body = request.body(create);
    ensureFreeName(body.name);
    ensureWithinLimit(cloud, { placement_groups: 1 });
    const group = records.add({ name: body.name, labels: body.labels ?? {}, type: body.type, servers: [] });
    return show(resource, group, { action: null }, 201);
  });
  api.put(`/placement_groups/${idParam}`, (request) => {
    const group = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, group);
    }
    records.change(group, given({ name: body.name ?? undefined, labels: body.labels ?? undefined }));
    return show(resource, group);
  });
  api.delete(`/placement_groups/${idParam}`, (request) => {
    const group = find(resource, request);
    if (group.servers.length > 0) {
      throw new ApiError("resource_in_use", `placement group with ID '${group.id}' still has servers`);
    }
    records.remove(group);
    return { status: 204 };
  });
}

/** The actions that move servers into groups and out of them. */
export function serveServerPlacementActions(route: (name: string, act: Act) => void, cloud: Cloud): void {
  const start = (server: ServerRecord, group: PlacementGroupRecord, command: string, failed: () => void) =>
    cloud.actions.start({
      command,
      resources: [
        { id: server.id, type: "server" },
        { id: group.id, type: "placement_group" },
      ],
      locks: server.id,
      failed,
    });

  route("add_to_placement_group", async (server, request) => {
    const { placement_group: id } = request.body(z.object({ placement_group: z.int() }));
    const group = placementGroupRecords(cloud.store).get(id);
    if (group === undefined) {
      throw notFound("placement group", id);
    }
    const present = groupOf(cloud, server.id);
    if (present !== undefined) {
      throw new ApiError(
        "already_in_placement_group",
        `server is already part of placement group with ID '${present.id}'`,
      );
    }
    await ensureStopped(cloud, server);
    ensureRoom(group);
    joinGroup(cloud, group, server.id);
    return start(server, group, "add_to_placement_group", () => leaveGroup(cloud, server.id));
  });
  // Also of a running server, as ansible's module finds out in practice.
  route("remove_from_placement_group", (server) => {
    const group = groupOf(cloud, server.id);
    if (group === undefined) {
      throw new ApiError("service_error", "server is not part of a placement group");
    }
    leaveGroup(cloud, server.id);
    return start(server, group, "remove_from_placement_group", () => joinGroup(cloud, group, server.id));
  });
}

/** The group a server is in. */
export function groupOf(cloud: Cloud, serverId: number): PlacementGroupRecord | undefined {
  return placementGroupRecords(cloud.store)
    .all()
    .find(({ servers }) => servers.includes(serverId));
}

export function ensureRoom(group: PlacementGroupRecord): void {
  if (group.servers.length >= maxServers) {
    throw new ApiError(
      "placement_group_member_limit_reached",
      `placement group with ID ${group.id} contains already ${maxServers} servers`,
    );
  }
}

export function joinGroup(cloud: Cloud, group: PlacementGroupRecord, serverId: number): void {
  placementGroupRecords(cloud.store).change(group, { servers: [...group.servers, serverId] });
}

/** Takes a server out of its group, if it is in one. */
export function leaveGroup(cloud: Cloud, serverId: number): void {
  const group = groupOf(cloud, serverId);
  if (group !== undefined) {
    placementGroupRecords(cloud.store).change(group, {
      servers: group.servers.filter((id) => id !== serverId),
    });
  }
}
