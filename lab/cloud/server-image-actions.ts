import { z } from "zod";
import type { Cloud } from "./context.ts";
import { refusedField } from "./errors.ts";
import { shownImage } from "./images.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import { type serverActs, startAct } from "./server-act.ts";
import { backupsOf, removeImage, takeImage } from "./snapshots.ts";
import { labels } from "./validate.ts";

const createImage = z.object({
  type: z.enum(["snapshot", "backup"]).nullish(),
  description: z.string().nullish(),
  labels: labels.nullish(),
});

/** UTC hours of the nightly backup, as a server that has it on shows them. */
const backupWindow = "22-02";

/** Images of servers, and their backups. */
export function serveImageActions(cloud: Cloud, route: ReturnType<typeof serverActs>): void {
  const servers = serverRecords(cloud.store);

  route("create_image", (server, request) => {
    const body = request.body(createImage);
    const type = body.type ?? "snapshot";
    if (type === "backup") {
      ensureBackups(server);
    }
    const { image, action } = takeImage(cloud, server, {
      type,
      description: body.description ?? null,
      labels: body.labels ?? {},
    });
    return { action, beside: () => ({ image: shownImage(image) }) };
  });

  route("enable_backup", (server) => {
    servers.change(server, { backup_window: backupWindow });
    return startAct(cloud, server, "enable_backup");
  });

  route("disable_backup", (server) =>
    startAct(cloud, server, "disable_backup", async () => {
      for (const backup of backupsOf(cloud, server.id)) {
        await removeImage(cloud, backup);
      }
      servers.change(server, { backup_window: null });
    }),
  );
}

/** 422 while the server has no backups switched on. */
export function ensureBackups(server: ServerRecord): void {
  if (server.backup_window === null) {
    throw refusedField("type", `backups are not enabled for server '${server.name}'`);
  }
}
