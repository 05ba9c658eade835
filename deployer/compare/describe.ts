import type { ClosureChange, PackageChange } from "./packages.ts";
import { initInterface, type SystemChange } from "./systems.ts";
import type { UnitChange, UnitVerb } from "./units.ts";

/** "12.3 MB"; bytes in powers of ten, as disks are sold. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = unit === 0 ? String(value) : value.toFixed(value < 99.95 ? 1 : 0);
  return `${bytes < 0 ? "-" : ""}${text} ${units[unit]}`;
}

const signed = (bytes: number): string => (bytes < 0 ? size(bytes) : `+${size(bytes)}`);

/** Few names in full, many by the number of the rest. */
function some(names: readonly string[], most = 4): string {
  const shown = names.length > most ? names.slice(0, most - 1) : names;
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
}

const of = (units: readonly UnitChange[], verb: UnitVerb): string[] =>
  units.filter((one) => one.verb === verb).map(({ unit }) => unit.replace(/\.service$/, ""));

function countPackages({ added, removed, changed }: ClosureChange): string {
  const counts: [number, string][] = [
    [added.length, "added"],
    [removed.length, "removed"],
    [changed.length, "changed"],
  ];
  const told = counts.filter(([count]) => count > 0);
  const [first] = told;
  if (!first) return "no package differs";
  const noun = first[0] === 1 ? "package" : "packages";
  return told.map(([count, what], index) => `${count} ${index === 0 ? `${noun} ` : ""}${what}`).join(", ");
}

/** How the host gets from one system to the other. `mayReboot` says whether an update at this moment may reboot it. */
function manner(reboot: readonly string[], mayReboot: boolean): string {
  const reasons = reboot.join(", ");
  if (reboot.includes(initInterface))
    return mayReboot
      ? `reboot on trial, as it cannot be switched to (another ${reasons})`
      : `REFUSED: it cannot be switched to (another ${reasons}), and \`reboot\` does not let it be booted now`;
  if (reboot.length === 0) return "switch";
  return mayReboot
    ? `switch + reboot on trial for another ${reasons}`
    : `switch; a reboot is due for another ${reasons}`;
}

/** One line for the tree: what happens to the host. */
export function summary({ closure, units, reboot }: SystemChange, mayReboot = false): string {
  const verbs: [UnitVerb, string][] = [
    ["restart", "restarts"],
    ["reload", "reloads"],
    ["start", "starts"],
    ["stop", "stops"],
  ];
  const parts = verbs.flatMap(([verb, words]) => {
    const names = of(units, verb);
    return names.length > 0 ? [`${words} ${some(names)}`] : [];
  });
  const delta = closure.bytesAfter - closure.bytesBefore;
  return [
    manner(reboot, mayReboot),
    ...(parts.length > 0 ? parts : ["no unit changes"]),
    countPackages(closure),
    `${size(closure.bytesAfter)} (${signed(delta)})`,
  ].join("; ");
}

const versions = (list: readonly string[]): string =>
  list.map((version) => version || "(no version)").join(", ");

function packageLine({ name, before, after, bytes }: PackageChange): string {
  if (before.length === 0) return `${name}: ${versions(after)}, ${signed(bytes)}`;
  if (after.length === 0) return `${name}: ${versions(before)}, ${signed(bytes)}`;
  const same = before.join("\n") === after.join("\n");
  const what = same ? `${versions(after)} built otherwise` : `${versions(before)} -> ${versions(after)}`;
  return `${name}: ${what}, ${signed(bytes)}`;
}

/** Everything, for `berth diff`. */
export function details(change: SystemChange): string[] {
  const { closure, units, reboot } = change;
  const block = (title: string, lines: string[]) =>
    lines.length > 0 ? [`${title}:`, ...lines.map((line) => `  ${line}`)] : [];
  return [
    ...block("Added", closure.added.map(packageLine)),
    ...block("Removed", closure.removed.map(packageLine)),
    ...block("Changed", closure.changed.map(packageLine)),
    ...block(
      "Units",
      units.map(({ unit, verb }) => `${verb} ${unit}`),
    ),
    ...block("A reboot is due for", reboot),
    `Size: ${size(closure.bytesBefore)} -> ${size(closure.bytesAfter)} (${signed(closure.bytesAfter - closure.bytesBefore)})`,
  ];
}
