import { z } from "zod";
import type { Resource } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, invalidField, refusedField } from "./errors.ts";
import type { Api } from "./http.ts";
import { chooseImage } from "./images.ts";
import { serveIsoActions } from "./isos.ts";
import { serveServerPlacementActions } from "./placement-groups.ts";
import { addressesOf, pointer, setPointer } from "./primary-ips.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import { serveAccessActions } from "./server-access-actions.ts";
import { serverActs, startAct } from "./server-act.ts";
import { ensureSold, userData } from "./server-create.ts";
import { serveImageActions } from "./server-image-actions.ts";
import { serveServerNetworkActions } from "./server-network-actions.ts";
import * as power from "./server-power.ts";
import { forgetDeletedImages } from "./snapshots.ts";
import { idOrName } from "./validate.ts";

const changeType = z.object({ server_type: idOrName, upgrade_disk: z.boolean() });
const rebuild = z.object({ image: idOrName, user_data: userData.nullish() });
const protection = z.object({ delete: z.boolean().nullish(), rebuild: z.boolean().nullish() });

export function serveServerActions(api: Api, cloud: Cloud, resource: Resource<ServerRecord>): void {
  const route = serverActs(api, cloud, resource);
  const start = (server: ServerRecord, command: string, work?: Parameters<typeof startAct>[3]) =>
    startAct(cloud, server, command, work);

  route("poweron", (server) => start(server, "start_server", power.powerOn));
  route("poweroff", (server) => start(server, "stop_server", power.powerOff));
  route("shutdown", (server) => start(server, "shutdown_server", power.shutdown));
  route("reboot", (server) => start(server, "reboot_server", power.reboot));
  route("reset", (server) => start(server, "reset_server", power.reset));

  route("rebuild", (server, request) => {
    if (server.protection.rebuild) {
      throw new ApiError("protected", "server rebuild is protected");
    }
    const body = request.body(rebuild);
    const type = cloud.catalogue().serverType(server.server_type);
    if (type === undefined) {
      throw new ApiError(
        "invalid_server_type",
        `server type '${server.server_type}' is not in the catalogue any more`,
      );
    }
    const image = chooseImage(cloud, body.image, type, server.primary_disk_size);
    serverRecords(cloud.store).change(server, {
      image: image.id,
      user_data: body.user_data ?? server.user_data,
    });
    forgetDeletedImages(cloud);
    const action = start(server, "rebuild_server", power.rebuild);
    return { action, beside: () => ({ root_password: null }) };
  });

  route("change_type", async (server, request) => {
    const body = request.body(changeType);
    const changed = await typeChange(cloud, server, body);
    serverRecords(cloud.store).change(server, changed);
    return start(server, "change_server_type");
  });

  route("change_protection", (server, request) => {
    const body = request.body(protection);
    const wanted = {
      delete: body.delete ?? server.protection.delete,
      rebuild: body.rebuild ?? server.protection.rebuild,
    };
    if (wanted.delete !== wanted.rebuild) {
      throw refusedField("rebuild", "delete and rebuild protection must be the same");
    }
    serverRecords(cloud.store).change(server, { protection: wanted });
    return start(server, "change_protection");
  });

  route("change_dns_ptr", (server, request) => {
    const { ip, dns_ptr } = request.body(pointer);
    setPointer(cloud, Object.values(addressesOf(cloud, server.id)), ip, dns_ptr);
    return start(server, "change_dns_ptr");
  });

  serveImageActions(cloud, route);
  serveAccessActions(cloud, route);
  serveIsoActions(cloud, route);

  serveServerNetworkActions(route, cloud);
  serveServerPlacementActions(route, cloud);
}

async function typeChange(
  cloud: Cloud,
  server: ServerRecord,
  { server_type, upgrade_disk }: z.output<typeof changeType>,
): Promise<Pick<ServerRecord, "server_type" | "primary_disk_size">> {
  const catalogue = cloud.catalogue();
  const type = catalogue.serverType(server_type);
  const current = catalogue.serverType(server.server_type);
  if (type === undefined) {
    throw invalidField("server_type", `server type '${server_type}' not found`);
  }
  if (current !== undefined && type.architecture !== current.architecture) {
    throw new ApiError(
      "invalid_server_type",
      `server type '${type.name}' has another architecture (${type.architecture})`,
    );
  }
  ensureSold(cloud, type, server.location);
  if (type.disk < server.primary_disk_size) {
    throw new ApiError(
      "invalid_server_type",
      `the disk of server type '${type.name}' (${type.disk} GB) is smaller than the server's (${server.primary_disk_size} GB)`,
    );
  }
  const status = await power.statusNow(cloud, server);
  cloud.actions.ensureUnlocked(server.id);
  if (status !== "off") {
    throw new ApiError("server_not_stopped", `server with ID '${server.id}' must be off`);
  }
  return { server_type: type.name, primary_disk_size: upgrade_disk ? type.disk : server.primary_disk_size };
}
