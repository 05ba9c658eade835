import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { closureOf } from "../nix/closure.ts";
import { type ClosureChange, compareClosures } from "./packages.ts";
import { compareUnits, type UnitChange, type Units } from "./units.ts";

/** What differs between two NixOS systems. */
export interface SystemChange {
  closure: ClosureChange;
  units: UnitChange[];
  /** What only a reboot puts in force: "kernel", "initrd", "kernel-modules"; another "init interface" cannot be switched to live at all. */
  reboot: string[];
}

/** Parts of a toplevel that a running host has loaded. */
/** What a switch cannot cross, by the name it has among the reasons for a reboot. */
export const initInterface = "init interface";

const bootParts = ["kernel", "initrd", "kernel-modules"] as const;

/** Both toplevels must be in the local store, whole. */
export async function compareSystems(before: string, after: string): Promise<SystemChange> {
  const [olds, news, oldUnits, newUnits, reboot] = await Promise.all([
    closureOf(before),
    closureOf(after),
    unitsOf(before),
    unitsOf(after),
    rebootReasons(before, after),
  ]);
  return {
    closure: compareClosures(olds, news),
    units: compareUnits(oldUnits.units, newUnits.units, newUnits.started),
    reboot,
  };
}

/** What of two toplevels only a reboot exchanges. */
export async function rebootReasons(before: string, after: string): Promise<string[]> {
  const interfaceOf = (toplevel: string) =>
    readFile(join(toplevel, "init-interface-version"), "utf8").catch(() => "");
  const [parts, old, now] = await Promise.all([
    partsThatDiffer(before, after),
    interfaceOf(before),
    interfaceOf(after),
  ]);
  return old === now ? parts : [...parts, initInterface];
}

async function partsThatDiffer(before: string, after: string): Promise<string[]> {
  const target = (toplevel: string, part: string) => realpath(join(toplevel, part)).catch(() => "");
  const differs = await Promise.all(
    bootParts.map(async (part) => (await target(before, part)) !== (await target(after, part))),
  );
  return bootParts.filter((_, index) => differs[index]);
}

const isUnit = /\.(service|socket|mount|automount|timer|path|swap|target|slice|device|scope)$/;

/** The units in `etc/systemd/system` of a toplevel, and those that something there wants or requires. One that is masked is as if it were not there. */
export async function unitsOf(toplevel: string): Promise<{ units: Units; started: ReadonlySet<string> }> {
  const folder = join(toplevel, "etc/systemd/system");
  const units = new Map<string, string>();
  const started = new Set<string>();
  const entries = new Set(await readdir(folder).catch(() => []));
  for (const name of entries) {
    const path = join(folder, name);
    if (/\.(wants|requires|upholds)$/.test(name)) {
      for (const wanted of await readdir(path)) started.add(wanted);
    } else if (name.endsWith(".service.d") && !entries.has(name.slice(0, -2))) {
      // Of a service that is elsewhere, an instance of a template for one.
      units.set(name.slice(0, -2), await dropIns(path));
    } else if (isUnit.test(name) && !(await isMasked(path))) {
      units.set(name, `${await readFile(path, "utf8").catch(() => "")}\n${await dropIns(`${path}.d`)}`);
    }
  }
  return { units, started };
}

const isMasked = async (path: string): Promise<boolean> =>
  (await readlink(path).catch(() => "")) === "/dev/null";

async function dropIns(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".conf")).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return texts.join("\n");
}
