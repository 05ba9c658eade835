import { z } from "zod";
import type { Action } from "./actions.ts";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError } from "./errors.ts";
import { forgetServer } from "./firewalls.ts";
import type { Api } from "./http.ts";
import { releaseAddresses } from "./primary-ips.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import { serveServerActions } from "./server-actions.ts";
import { releaseAttachments } from "./server-attachments.ts";
import { createServer, createServerBody, ensureFreeHostName, hostName } from "./server-create.ts";
import { setStatus, statusNow } from "./server-power.ts";
import { serverView } from "./server-view.ts";
import { forgetDeletedImages, removeBackups } from "./snapshots.ts";
import { reason } from "./store.ts";
import { labels } from "./validate.ts";

const update = z.object({ name: hostName.nullish(), labels: labels.nullish() });

export function serveServers(api: Api, cloud: Cloud): void {
  const records = serverRecords(cloud.store);
  const resource: Resource<ServerRecord> = {
    many: "servers",
    one: "server",
    what: "server",
    records,
    sortable: ["id", "name", "created"],
    filters: { name: byName, status: (server, values) => values.includes(server.status) },
    prepare: async () => {
      await Promise.all(records.all().map((server) => statusNow(cloud, server)));
    },
    view: (server) => serverView(cloud, server),
  };

  serveReads(api, cloud, resource);
  api.post("/servers", async (request) => {
    const { server, created, next } = createServer(cloud, request.body(createServerBody));
    const [action, ...next_actions] = await cloud.actions.answer(created, ...next);
    return show(resource, server, { action, next_actions, root_password: null }, 201);
  });
  api.put(`/servers/${idParam}`, async (request) => {
    const server = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeHostName(cloud, body.name, server);
    }
    records.change(server, given({ name: body.name ?? undefined, labels: body.labels ?? undefined }));
    if (body.labels) {
      await pushFirewalls(cloud);
    }
    return show(resource, server);
  });
  api.delete(`/servers/${idParam}`, async (request) => {
    const server = find(resource, request);
    if (server.protection.delete) {
      throw new ApiError("protected", "server deletion is protected");
    }
    cloud.actions.ensureUnlocked(server.id);
    const [action] = await cloud.actions.answer(startDelete(cloud, server));
    return { status: 200, body: { action } };
  });
  serveServerActions(api, cloud, resource);
}

/** Ends deletions that the last process did not live to end. Call once at start. */
export function resumeDeletions(cloud: Cloud): void {
  for (const server of serverRecords(cloud.store).all()) {
    if (server.status === "deleting") {
      startDelete(cloud, server);
    }
  }
}

/** The server stays readable until its machine is gone. */
function startDelete(cloud: Cloud, server: ServerRecord): Action {
  const before = server.status;
  setStatus(cloud, server, "deleting");
  return cloud.actions.start({
    command: "delete_server",
    resources: [{ id: server.id, type: "server" }],
    locks: server.id,
    work: async () => {
      await cloud.driver.remove(server.id);
      await forgetServerRecord(cloud, server);
    },
    failed: () => setStatus(cloud, server, before === "deleting" ? "off" : before),
  });
}

/** Takes a server whose machine is gone out of everything that knows it. */
export async function forgetServerRecord(cloud: Cloud, server: ServerRecord): Promise<void> {
  await removeBackups(cloud, server.id);
  releaseAddresses(cloud, server.id);
  forgetServer(cloud, server.id);
  serverRecords(cloud.store).remove(server);
  forgetDeletedImages(cloud);
  await pushFirewalls(cloud);
  await releaseAttachments(cloud, server.id);
}

/** Label selectors may hit a server or miss it now. */
async function pushFirewalls(cloud: Cloud): Promise<void> {
  try {
    await cloud.firewalls.push();
  } catch (error) {
    cloud.log(`cloud: the packet filter could not be changed: ${reason(error)}`);
    throw new ApiError("service_error", `the lab's packet filter could not be changed: ${reason(error)}`);
  }
}
