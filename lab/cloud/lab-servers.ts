import { z } from "zod";
import type { Action } from "./actions.ts";
import type { Cloud } from "./context.ts";
import { ApiError, refusedField } from "./errors.ts";
import type { Api } from "./http.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import { ensureFreeHostName, hostName } from "./server-create.ts";
import { ensureBackups } from "./server-image-actions.ts";
import { setStatus } from "./server-power.ts";
import { serverView } from "./server-view.ts";
import { forgetServerRecord } from "./servers.ts";
import { takeImage } from "./snapshots.ts";
import { reason } from "./store.ts";
import { idOrName, labels } from "./validate.ts";

const backups = z.strictObject({ server: idOrName.optional() });
const server = idOrName;
const interference = z.discriminatedUnion("do", [
  z.strictObject({ server, do: z.literal("rename"), name: hostName }),
  z.strictObject({ server, do: z.literal("relabel"), labels }),
  z.strictObject({ server, do: z.literal("protect"), protect: z.boolean() }),
  z.strictObject({ server, do: z.enum(["poweroff", "poweron", "delete"]) }),
]);

type Interference = z.output<typeof interference>;

/** `/lab/backups`, the nightly backup now, and `/lab/interfere`, what somebody else does to a server. */
export function serveInterference(api: Api, cloud: Cloud): void {
  api.lab("POST", "/backups", async (request) => {
    const started = nightlyBackups(cloud, request.body(backups).server);
    return { status: 201, body: { actions: await cloud.actions.answer(...started) } };
  });
  api.lab("POST", "/interfere", async (request) => {
    const wanted = request.body(interference);
    const found = findServer(cloud, wanted.server);
    await interfere(cloud, found, wanted).catch((error) => {
      throw error instanceof ApiError
        ? error
        : new ApiError("service_error", `${wanted.do} of ${found.name}: ${reason(error)}`);
    });
    const shown = wanted.do === "delete" ? null : await serverView(cloud, found);
    return { status: 200, body: { server: shown } };
  });
}

/** Starts a backup of the server, or of each that has backups on and no action running. */
function nightlyBackups(cloud: Cloud, wanted: number | string | undefined): Action[] {
  const order = { type: "backup", description: null, labels: {} } as const;
  if (wanted !== undefined) {
    const named = findServer(cloud, wanted);
    ensureBackups(named);
    cloud.actions.ensureUnlocked(named.id);
    return [takeImage(cloud, named, order).action];
  }
  return serverRecords(cloud.store)
    .all()
    .filter(({ id, backup_window, has_machine }) => {
      return backup_window !== null && has_machine && !cloud.actions.isLocked(id);
    })
    .map((found) => takeImage(cloud, found, order).action);
}

/** Does it at once, whatever protection and locks say, and without an action. */
async function interfere(cloud: Cloud, found: ServerRecord, wanted: Interference): Promise<void> {
  const records = serverRecords(cloud.store);
  switch (wanted.do) {
    case "rename":
      ensureFreeHostName(cloud, wanted.name, found);
      return records.change(found, { name: wanted.name });
    case "relabel":
      records.change(found, { labels: wanted.labels });
      return cloud.firewalls.push();
    case "protect":
      return records.change(found, { protection: { delete: wanted.protect, rebuild: wanted.protect } });
    case "poweroff":
      await cloud.driver.stop(found.id);
      return setStatus(cloud, found, "off");
    case "poweron":
      await cloud.driver.start(found.id);
      return setStatus(cloud, found, "running");
    case "delete":
      await cloud.driver.remove(found.id);
      await forgetServerRecord(cloud, found);
      return removeAgain(cloud, found.id);
  }
}

/** An action that still runs may make the machine anew. */
function removeAgain(cloud: Cloud, id: number): void {
  if (!cloud.actions.isLocked(id)) return;
  cloud.actions
    .settled()
    .then(() => cloud.driver.remove(id))
    .catch((error) => cloud.log(`cloud: machine ${id} could not be removed: ${reason(error)}`));
}

function findServer(cloud: Cloud, wanted: number | string): ServerRecord {
  const found = serverRecords(cloud.store)
    .all()
    .find(({ id, name }) => String(id) === String(wanted) || name === wanted);
  if (found === undefined) {
    throw refusedField("server", `server '${wanted}' not found`);
  }
  return found;
}
