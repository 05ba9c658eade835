import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { closureOf } from "../nix/closure.ts";
import { type ClosureChange, compareClosures } from "./packages.ts";
import { compareUnits, type UnitChange, type Units } from "./units.ts";

/** What differs between two NixOS systems. */
export interface SystemChange {
  closure: ClosureChange;
  units: UnitChange[];
  /** What only a reboot puts in force: "kernel", "initrd", "kernel-modules". */
  reboot: string[];
}

/** Parts of a toplevel that a running host has loaded. */
const bootParts = ["kernel", "initrd", "kernel-modules"] as const;

/** Both toplevels must be in the local store, whole. */
export async function compareSystems(before: string, after: string): Promise<SystemChange> {
  const [olds, news, oldUnits, newUnits, reboot] = await Promise.all([
    closureOf(before),
    closureOf(after),
    unitsOf(before),
    unitsOf(after),
    partsThatDiffer(before, after),
  ]);
  return {
    closure: compareClosures(olds, news),
    units: compareUnits(oldUnits.units, newUnits.units, newUnits.started),
    reboot,
  };
}

async function partsThatDiffer(before: string, after: string): Promise<string[]> {
  const target = (toplevel: string, part: string) => realpath(join(toplevel, part)).catch(() => "");
  const differs = await Promise.all(
    bootParts.map(async (part) => (await target(before, part)) !== (await target(after, part))),
  );
  return bootParts.filter((_, index) => differs[index]);
}

/** The units in `etc/systemd/system` of a toplevel, and those that something there wants or requires. */
async function unitsOf(toplevel: string): Promise<{ units: Units; started: ReadonlySet<string> }> {
  const folder = join(toplevel, "etc/systemd/system");
  const units = new Map<string, string>();
  const started = new Set<string>();
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const isUnit = /\.(service|socket|mount|automount|timer|path|swap|target|slice|device|scope)$/;
  for (const { name } of entries) {
    const path = join(folder, name);
    if (/\.(wants|requires|upholds)$/.test(name)) {
      for (const wanted of await readdir(path)) started.add(wanted);
    } else if (name.endsWith(".d")) {
      // Drop-ins belong to a unit's text, below.
    } else if (isUnit.test(name)) {
      // Masked: as if it were not there.
      if ((await readlink(path).catch(() => "")) === "/dev/null") continue;
      units.set(name, `${await readFile(path, "utf8").catch(() => "")}\n${await dropIns(`${path}.d`)}`);
    }
  }
  for (const { name } of entries) {
    const unit = name.slice(0, -2);
    if (name.endsWith(".service.d") && !units.has(unit)) units.set(unit, await dropIns(join(folder, name)));
  }
  return { units, started };
}

async function dropIns(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".conf")).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return texts.join("\n");
}
