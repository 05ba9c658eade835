import type { PathSize } from "../nix/closure.ts";

/** What a store path is of: its name without hash and version, and the version, empty where there is none. */
export interface Package {
  name: string;
  version: string;
}

export interface PackageChange {
  name: string;
  /** Versions before and after; "" stands for a path without one. Empty when the package was not there, or is there no longer. */
  before: string[];
  after: string[];
  /** Bytes the package takes more than before; negative when it takes less. */
  bytes: number;
}

export interface ClosureChange {
  added: PackageChange[];
  removed: PackageChange[];
  /** Other versions, or the same version built otherwise. */
  changed: PackageChange[];
  /** Unpacked bytes of the whole closure. */
  bytesBefore: number;
  bytesAfter: number;
}

/** The output that a path may be of, after the version: "2.40-36-bin". */
const output = /-[a-z][a-z0-9]*$/;

/** Nix's own rule (`parseDrvName`): the version begins after the first dash that no letter follows. */
export function packageOf(storePath: string): Package {
  const base = storePath.replace(/^\/nix\/store\/[0-9a-z]{32}-/, "");
  const dash = /-(?![A-Za-z])/.exec(base);
  return dash && dash.index > 0 && dash.index < base.length - 1
    ? { name: base.slice(0, dash.index), version: base.slice(dash.index + 1).replace(output, "") }
    : { name: base, version: "" };
}

interface Group {
  versions: Set<string>;
  paths: Set<string>;
  bytes: number;
}

function grouped(closure: readonly PathSize[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const { path, bytes } of closure) {
    const { name, version } = packageOf(path);
    let group = groups.get(name);
    if (!group) {
      group = { versions: new Set(), paths: new Set(), bytes: 0 };
      groups.set(name, group);
    }
    group.versions.add(version);
    group.paths.add(path);
    group.bytes += bytes;
  }
  return groups;
}

/** What the packages of a closure take, each with its versions, "" for none. Pure. */
export const groupByPackage = (
  closure: readonly PathSize[],
): { name: string; bytes: number; versions: string[] }[] =>
  [...grouped(closure)].map(([name, { bytes, versions }]) => ({ name, bytes, versions: sorted(versions) }));

const sum = (closure: readonly PathSize[]): number => closure.reduce((total, { bytes }) => total + bytes, 0);

const inOrder = new Intl.Collator("en", { numeric: true });
const sorted = (versions: Iterable<string>): string[] => [...versions].sort(inOrder.compare);

const isSame = (some: Set<string>, others: Set<string>): boolean =>
  some.size === others.size && [...some].every((one) => others.has(one));

/** What differs between two closures, by package. Pure. */
export function compareClosures(before: readonly PathSize[], after: readonly PathSize[]): ClosureChange {
  const [olds, news] = [grouped(before), grouped(after)];
  const change: ClosureChange = {
    added: [],
    removed: [],
    changed: [],
    bytesBefore: sum(before),
    bytesAfter: sum(after),
  };
  for (const name of sorted(new Set([...olds.keys(), ...news.keys()]))) {
    const [old, now] = [olds.get(name), news.get(name)];
    const entry = {
      name,
      before: sorted(old?.versions ?? []),
      after: sorted(now?.versions ?? []),
      bytes: (now?.bytes ?? 0) - (old?.bytes ?? 0),
    };
    if (!old) change.added.push(entry);
    else if (!now) change.removed.push(entry);
    else if (!isSame(old.paths, now.paths)) change.changed.push(entry);
  }
  return change;
}
