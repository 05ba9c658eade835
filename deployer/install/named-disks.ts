import type { Disks } from "../remote/scripts.ts";

export type Disk = Disks["disks"][number];

/** Why disks are kept as they are, and what would change that. */
export interface Kept {
  because: string;
  next: string;
}

/** What to do where a layout does not say which disk it means. */
export const nameById = "name the disk in the flake's disko layout by its /dev/disk/by-id";

/** Names below it mean the same disk under the next kernel. */
const lasting = "/dev/disk/";

const listed = (layout: Disks["layout"]): string => layout.map(({ device }) => device).join(", ");

/**
 * Does a layout say which disks it means? Each has to be there, and to be named by more than a letter where that may mean another one.
 * @param own the disks among which a letter could mean another one
 * @returns undefined if so
 */
export function unclearDisks({ disks, layout }: Disks, own: readonly Disk[]): Kept | undefined {
  const missing = layout.filter(({ disk }) => !disks.some(({ name }) => name === disk));
  if (missing.length > 0) {
    return {
      because: `the disk layout names ${listed(missing)}, and it has ${allOf(disks)}`,
      next: nameById,
    };
  }
  const passing = own.length > 1 ? layout.filter(({ device }) => !device.startsWith(lasting)) : [];
  if (passing.length > 0) {
    return {
      because: `it has several disks, ${allOf(own)}, and the disk layout names ${listed(passing)}, which the installer may give to another one`,
      next: nameById,
    };
  }
  return undefined;
}

/** Disks for people: name, id, size and what is on them. */
export const allOf = (disks: readonly Disk[]): string =>
  disks.length === 0 ? "no disk" : disks.map(describe).join(", ");

function describe({ name, size, ids, serial, holds }: Disk): string {
  const id = ids[0] ?? (serial === "" ? "" : `serial ${serial}`);
  const gigabytes = `${(size / 1e9).toFixed(size < 1e10 ? 1 : 0)} GB`;
  return `${name} (${[id, gigabytes, holds === "" ? "nothing to be seen on it" : `holds ${holds}`].filter(Boolean).join(", ")})`;
}
