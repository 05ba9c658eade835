import type { Action } from "./actions.ts";
import type { Cloud } from "./context.ts";
import { ApiError } from "./errors.ts";
import { type ImageRecord, imageRecords, liveImages } from "./image-records.ts";
import type { Labels } from "./labels.ts";
import { ensureWithinLimit } from "./limits.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import { reason } from "./store.ts";

/** As many backups as a server keeps; the oldest goes. */
const backupSlots = 7;

/** Starts making an image of a server's disk; the server is locked meanwhile. */
export function takeImage(
  cloud: Cloud,
  server: ServerRecord,
  wanted: { type: ImageRecord["type"]; description: string | null; labels: Labels },
): { image: ImageRecord; action: Action } {
  if (!server.has_machine) {
    throw new ApiError("service_error", `server with ID '${server.id}' has no disk to copy yet`);
  }
  if (wanted.type === "snapshot") {
    ensureWithinLimit(cloud, { snapshots: 1 });
  }
  const records = imageRecords(cloud.store);
  const image = records.add({
    status: "creating",
    type: wanted.type,
    description: wanted.description || `${server.name} ${wanted.type} ${cloud.store.timestamp()}`,
    image_size: null,
    disk_size: server.primary_disk_size,
    created_from: { id: server.id, name: server.name },
    bound_to: wanted.type === "backup" ? server.id : null,
    ...system(cloud, server),
    protection: { delete: false },
    deleted: null,
    labels: wanted.labels,
  });
  const action = cloud.actions.start({
    command: "create_image",
    resources: [
      { id: server.id, type: "server" },
      { id: image.id, type: "image" },
    ],
    locks: server.id,
    work: async () => {
      const { size } = await cloud.driver.takeSnapshot(server.id, image.id);
      records.change(image, { status: "available", image_size: size });
      if (image.type === "backup") {
        await rotate(cloud, server.id);
      }
    },
    failed: () => records.remove(image),
  });
  return { image, action };
}

/** What is on a server's disk, as far as the image it was made from tells. */
function system(
  cloud: Cloud,
  server: ServerRecord,
): Pick<ImageRecord, "os_flavor" | "os_version" | "architecture"> {
  const catalogue = cloud.catalogue();
  const from =
    imageRecords(cloud.store).get(server.image) ?? catalogue.images.find(({ id }) => id === server.image);
  return {
    os_flavor: from?.os_flavor ?? "unknown",
    os_version: from?.os_version ?? null,
    architecture:
      from?.architecture ?? catalogue.serverType(server.server_type)?.architecture ?? ("x86" as const),
  };
}

export function backupsOf(cloud: Cloud, serverId: number): ImageRecord[] {
  return liveImages(cloud.store).filter(({ bound_to }) => bound_to === serverId);
}

async function rotate(cloud: Cloud, serverId: number): Promise<void> {
  const kept = backupsOf(cloud, serverId).filter(({ status }) => status === "available");
  for (const oldest of kept.slice(0, Math.max(0, kept.length - backupSlots))) {
    await removeImage(cloud, oldest);
  }
}

/** Takes an image away. It is `unavailable` meanwhile, and stays so when the driver cannot forget it. */
export async function removeImage(cloud: Cloud, image: ImageRecord): Promise<void> {
  const records = imageRecords(cloud.store);
  records.change(image, { status: "unavailable" });
  await cloud.driver.removeSnapshot(image.id);
  records.change(image, { deleted: cloud.store.timestamp() });
  forgetDeletedImages(cloud);
}

/** Deletes the backups of a server; one that cannot be is logged and stays to be deleted by hand. */
export async function removeBackups(cloud: Cloud, serverId: number): Promise<void> {
  for (const backup of backupsOf(cloud, serverId)) {
    try {
      await removeImage(cloud, backup);
    } catch (error) {
      cloud.log(`cloud: backup ${backup.id} of server ${serverId} could not be deleted: ${reason(error)}`);
    }
  }
}

/** A deleted image is kept while a server is shown with it. */
export function forgetDeletedImages(cloud: Cloud): void {
  const shown = new Set(
    serverRecords(cloud.store)
      .all()
      .map(({ image }) => image),
  );
  const records = imageRecords(cloud.store);
  for (const image of records.all().filter(({ id, deleted }) => deleted !== null && !shown.has(id))) {
    records.remove(image);
  }
}

/** What was being made when the last process ended is only half there. Call once at start. */
export async function dropHalfImages(cloud: Cloud): Promise<void> {
  for (const image of liveImages(cloud.store).filter(({ status }) => status === "creating")) {
    await cloud.driver.removeSnapshot(image.id).catch((error) => {
      cloud.log(`cloud: what is there of image ${image.id} could not be removed: ${reason(error)}`);
    });
    imageRecords(cloud.store).remove(image);
  }
}
