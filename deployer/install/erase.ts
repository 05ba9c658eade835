import type { Disks } from "../remote/scripts.ts";

type Disk = Disks["disks"][number];

/** Why a machine that somebody else ordered keeps its disks, and what would change that. */
export interface Kept {
  because: string;
  next: string;
}

/** Names that mean the same disk under the next kernel. */
const lasting = "/dev/disk/";

/**
 * May the disks of a layout be wiped on a machine that this stack has not ordered? Only if every single one of them was named.
 * @param erase by-id names, with or without their folder, or serial numbers
 * @returns undefined if so
 */
export function keepDisks(
  { disks, layout }: Disks,
  erase: readonly string[],
  host: string,
): Kept | undefined {
  const path = `berth:hosts.${host}.existing.erase`;
  if (layout.length === 0) {
    return {
      because: "this stack has not ordered it, and the flake's manifest names no disk to install on",
      next: "name the disks in berth.hosts of the flake",
    };
  }
  const missing = layout.filter(({ disk }) => !disks.some(({ name }) => name === disk));
  if (missing.length > 0) {
    return {
      because: `the disk layout names ${missing.map(({ device }) => device).join(", ")}, and it has ${allOf(disks)}`,
      next: "name the disk to install on in the flake's disko layout, by its /dev/disk/by-id",
    };
  }
  const passing = disks.length > 1 ? layout.filter(({ device }) => !device.startsWith(lasting)) : [];
  if (passing.length > 0) {
    return {
      because: `it has several disks, ${allOf(disks)}, and the disk layout names ${passing.map(({ device }) => device).join(", ")}, which the installer may give to another one`,
      next: "name the disk in the flake's disko layout by its /dev/disk/by-id",
    };
  }
  const wiped = disks.filter(({ name }) => layout.some(({ disk }) => disk === name));
  const unnamed = wiped.filter((disk) => !erase.some((word) => means(word, disk)));
  if (unnamed.length === 0) return undefined;
  const words = wiped.map(({ ids, serial }) => ids[0] ?? serial).filter((word) => word !== "");
  return {
    because: `this stack has not ordered it, and the installation would wipe ${allOf(unnamed)}`,
    next:
      words.length === wiped.length
        ? `if nothing on it is needed any more, set ${path} to [${words.join(", ")}] and run pulumi up again`
        : `a disk without a serial number cannot be named in ${path}: install this machine by hand`,
  };
}

/** Whether a word of the configuration names a disk. */
function means(word: string, { ids, serial }: Disk): boolean {
  const id = word.replace(/^\/dev\/disk\/by-id\//, "");
  return ids.includes(id) || (serial !== "" && word === serial);
}

/** Disks for people: name, id, size and what is on them. */
export const allOf = (disks: readonly Disk[]): string =>
  disks.length === 0 ? "no disk" : disks.map(describe).join(", ");

function describe({ name, size, ids, serial, holds }: Disk): string {
  const id = ids[0] ?? (serial === "" ? "" : `serial ${serial}`);
  const gigabytes = `${(size / 1e9).toFixed(size < 1e10 ? 1 : 0)} GB`;
  return `${name} (${[id, gigabytes, holds === "" ? "nothing to be seen on it" : `holds ${holds}`].filter(Boolean).join(", ")})`;
}
