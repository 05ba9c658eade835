import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Action } from "./actions.ts";
import { ensureIdle } from "./busy.ts";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, invalidField, notFound, notUnique, refusedField } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { ensureWithinLimit } from "./limits.ts";
import { chosenLocation, place } from "./place.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import { reason } from "./store.ts";
import { labels } from "./validate.ts";
import { type VolumeRecord, volumeRecords, volumesOf } from "./volume-records.ts";

const maxVolumesPerServer = 16;
/** The Terraform provider repeats an order that meets a lock without a pause. */
const lockedPause = 250;

const volumeName = z
  .string()
  .max(64)
  .regex(
    /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?$/,
    "must be letters, digits, '-', '_' and '.', starting and ending with a letter or digit",
  );
const size = z.int().min(10).max(10_240);
const create = z.object({
  name: volumeName,
  size,
  ...place,
  server: z.int().nullish(),
  automount: z.boolean().nullish(),
  format: z.enum(["ext4", "xfs"]).nullish(),
  labels: labels.nullish(),
});
const update = z.object({ name: volumeName.nullish(), labels: labels.nullish() });
const attach = z.object({ server: z.int(), automount: z.boolean().nullish() });

export function serveVolumes(api: Api, cloud: Cloud): void {
  const records = volumeRecords(cloud.store);
  const resource: Resource<VolumeRecord> = {
    many: "volumes",
    one: "volume",
    what: "volume",
    records,
    sortable: ["id", "name", "created"],
    filters: { name: byName, status: (volume, values) => values.includes(volume.status) },
    view: (volume) => view(cloud, volume),
  };
  const ensureFreeName = (name: string, own?: VolumeRecord) => {
    if (records.all().some((volume) => volume !== own && volume.name === name)) {
      throw notUnique("name", "volume name is already used");
    }
  };

  serveReads(api, cloud, resource);
  api.post("/volumes", async (request) => {
    const body = request.body(create);
    if (body.server != null && cloud.actions.isLocked(body.server)) {
      await sleep(lockedPause);
    }
    ensureFreeName(body.name);
    ensureWithinLimit(cloud, { volumes: 1 });
    const { server, location } = whereTo(cloud, body);
    const volume = records.add({
      name: body.name,
      status: "creating",
      server: null,
      location,
      size: body.size,
      format: body.format ?? null,
      labels: body.labels ?? {},
      protection: { delete: false },
    });
    const created = startCreate(cloud, volume, server);
    const next = server === undefined ? [] : [startAttach(cloud, volume, server, created)];
    const [action, ...next_actions] = await cloud.actions.answer(created, ...next);
    return show(resource, volume, { action, next_actions }, 201);
  });
  api.put(`/volumes/${idParam}`, (request) => {
    const volume = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, volume);
    }
    records.change(volume, given({ name: body.name ?? undefined, labels: body.labels ?? undefined }));
    return show(resource, volume);
  });
  api.delete(`/volumes/${idParam}`, async (request) => {
    const volume = find(resource, request);
    if (volume.protection.delete) {
      throw new ApiError("protected", "volume deletion is protected");
    }
    if (volume.server !== null) {
      throw new ApiError("service_error", `volume with ID '${volume.id}' is still attached to a server`);
    }
    ensureIdle(cloud, { id: volume.id, type: "volume" }, "locked");
    records.remove(volume);
    try {
      await cloud.volumes.push();
    } catch (error) {
      records.restore(volume);
      throw new ApiError("service_error", `the volume could not be deleted: ${reason(error)}`);
    }
    return { status: 204 };
  });

  const action = (name: string, act: (volume: VolumeRecord, request: ApiRequest) => Action) =>
    api.post(`/volumes/${idParam}/actions/${name}`, async (request) => {
      const volume = find(resource, request);
      ensureIdle(cloud, { id: volume.id, type: "volume" }, "locked");
      const [done] = await cloud.actions.answer(act(volume, request));
      return { status: 201, body: { action: done } };
    });

  action("attach", (volume, request) => {
    const { server: id } = request.body(attach);
    const server = serverRecords(cloud.store).get(id);
    if (server === undefined) {
      throw notFound("server", id);
    }
    cloud.actions.ensureUnlocked(server.id);
    ensureVolumeAttachable(volume, server.location, "server");
    ensureVolumeRoom(volumesOf(cloud.store, server.id).length + 1);
    return startAttach(cloud, volume, server);
  });
  action("detach", (volume) => {
    const server = volume.server === null ? undefined : serverRecords(cloud.store).get(volume.server);
    if (server === undefined) {
      throw new ApiError("service_error", "volume not attached to a server");
    }
    cloud.actions.ensureUnlocked(server.id);
    records.change(volume, { server: null });
    return cloud.actions.start({
      command: "detach_volume",
      resources: refs(volume, server),
      locks: server.id,
      work: () => cloud.volumes.push(),
      failed: () => records.change(volume, { server: server.id }),
    });
  });
  action("resize", (volume, request) => {
    const { size: wanted } = request.body(z.object({ size }));
    const before = volume.size;
    if (wanted <= before) {
      throw invalidField("size", `must be greater than the present size of ${before} GB`);
    }
    records.change(volume, { size: wanted });
    return cloud.actions.start({
      command: "resize_volume",
      resources: refs(volume),
      work: () => cloud.volumes.push(),
      failed: () => records.change(volume, { size: before }),
    });
  });
  action("change_protection", (volume, request) => {
    const { delete: wanted } = request.body(z.object({ delete: z.boolean().nullish() }));
    const before = volume.protection;
    records.change(volume, { protection: { delete: wanted ?? before.delete } });
    return cloud.actions.start({
      command: "change_protection",
      resources: refs(volume),
      failed: () => records.change(volume, { protection: before }),
    });
  });
}

/** Throws unless a volume can be attached to a server in a location; `field` names it in the request. */
export function ensureVolumeAttachable(volume: VolumeRecord, location: string, field: string): void {
  if (volume.server !== null) {
    throw new ApiError(
      "volume_already_attached",
      "volume is already attached to a server, please detach it first",
    );
  }
  if (volume.location !== location) {
    throw refusedField(
      field,
      `volume with ID '${volume.id}' is in '${volume.location}', the server in '${location}'`,
    );
  }
}

/** @param count how many volumes the server would have. */
export function ensureVolumeRoom(count: number): void {
  if (count > maxVolumesPerServer) {
    throw new ApiError("resource_limit_exceeded", `a server can have ${maxVolumesPerServer} volumes`);
  }
}

/** Hangs a volume on a server, which is locked meanwhile. */
export function startAttach(
  cloud: Cloud,
  volume: VolumeRecord,
  server: ServerRecord,
  after?: Action,
): Action {
  const records = volumeRecords(cloud.store);
  return cloud.actions.start({
    command: "attach_volume",
    resources: refs(volume, server),
    locks: server.id,
    ...(after ? { after } : {}),
    work: () => {
      if (serverRecords(cloud.store).get(server.id) === undefined) {
        throw new Error(`server with ID '${server.id}' is gone`);
      }
      records.change(volume, { server: server.id });
      return cloud.volumes.push();
    },
    failed: () => records.change(volume, { server: null }),
  });
}

/** A volume that cannot be made vanishes again. */
function startCreate(cloud: Cloud, volume: VolumeRecord, server: ServerRecord | undefined): Action {
  const records = volumeRecords(cloud.store);
  return cloud.actions.start({
    command: "create_volume",
    resources: refs(volume, server),
    work: async () => {
      await cloud.volumes.push();
      records.change(volume, { status: "available" });
    },
    failed: () => records.remove(volume),
  });
}

function whereTo(
  cloud: Cloud,
  order: z.output<typeof create>,
): { server: ServerRecord | undefined; location: string } {
  const place = chosenLocation(cloud, order);
  if (order.server == null) {
    if (place === undefined) {
      throw refusedField("location", "either location or server must be given");
    }
    if (order.automount) {
      throw refusedField("automount", "automount needs a server");
    }
    return { server: undefined, location: place.name };
  }
  const server = serverRecords(cloud.store).get(order.server);
  if (server === undefined) {
    throw refusedField("server", `server with ID '${order.server}' not found`);
  }
  cloud.actions.ensureUnlocked(server.id);
  if (place !== undefined && place.name !== server.location) {
    throw refusedField("location", `the server is in '${server.location}', not in '${place.name}'`);
  }
  ensureVolumeRoom(volumesOf(cloud.store, server.id).length + 1);
  return { server, location: server.location };
}

function view(cloud: Cloud, volume: VolumeRecord): object {
  return {
    id: volume.id,
    created: volume.created,
    name: volume.name,
    server: volume.server,
    location: cloud.catalogue().location(volume.location),
    size: volume.size,
    linux_device: `/dev/disk/by-id/scsi-0HC_Volume_${volume.id}`,
    protection: volume.protection,
    labels: volume.labels,
    status: volume.status,
    format: volume.format,
  };
}

function refs(volume: VolumeRecord, server?: ServerRecord) {
  const own = { id: volume.id, type: "volume" };
  return server === undefined ? [own] : [{ id: server.id, type: "server" }, own];
}
