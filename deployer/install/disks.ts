import type { Disks } from "../remote/scripts.ts";
import { allOf, type Kept, nameById, unclearDisks } from "./named-disks.ts";

/** A Hetzner volume's name in /dev/disk/by-id, whole or as one of its partitions. */
const volumeName = /(^|\/)scsi-0HC_Volume_/;

/**
 * Is what the layout would format what is meant? Names are looked up on the machine itself, because a letter may mean another disk
 * under the next kernel.
 * @param required GB that the system needs, or null
 * @returns undefined if so, or if the machine shows no disk at all, as a container does: then the disk script is left to find out
 */
export function unfitDisks(found: Disks, required: number | null): Kept | undefined {
  const { disks, layout } = found;
  const named = layout.map(({ device, disk }) => ({
    device,
    disk: disks.find(({ name }) => name === disk),
  }));
  const volume = named.find(
    ({ device, disk }) => volumeName.test(device) || disk?.ids.some((id) => volumeName.test(id)),
  );
  if (volume) {
    return {
      because: `the disk layout names ${volume.device}, which is a volume there${volume.disk ? `: ${allOf([volume.disk])}` : ""}`,
      next: nameById,
    };
  }
  const own = disks.filter(({ ids }) => !ids.some((id) => volumeName.test(id)));
  if (own.length === 0) return undefined;
  const unclear = unclearDisks(found, own);
  if (unclear) return unclear;
  const sizes = named.map(({ disk }) => disk?.size ?? 0);
  if (required === null || sizes.length === 0 || Math.max(...sizes) >= required * 1e9) return undefined;
  return {
    because: `the flake's system requires a disk of ${required} GB, and the layout has ${allOf(own)}`,
    next: "order a server type with a larger disk, or lower requires.disk of the flake's manifest",
  };
}
