import type { Disks } from "../remote/scripts.ts";
import { allOf, type Disk, type Kept, unclearDisks } from "./named-disks.ts";

/**
 * May the disks of a layout be wiped on a machine that this stack has not ordered? Only if every single one of them was named.
 * @param erase by-id names, with or without their folder, or serial numbers
 * @returns undefined if so
 */
export function keepDisks(found: Disks, erase: readonly string[], host: string): Kept | undefined {
  const { disks, layout } = found;
  const path = `berth:hosts.${host}.existing.erase`;
  if (layout.length === 0) {
    return {
      because: "this stack has not ordered it, and the flake's manifest names no disk to install on",
      next: "name the disks in berth.hosts of the flake",
    };
  }
  const unclear = unclearDisks(found, disks);
  if (unclear) return unclear;
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
