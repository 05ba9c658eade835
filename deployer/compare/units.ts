/** What a switch does to a unit that runs; as switch-to-configuration-ng decides it, for previews. */
export type UnitVerb = "start" | "stop" | "restart" | "reload" | "leave";

/** A unit's text: its file with its drop-ins, one after the other. */
export type Units = ReadonlyMap<string, string>;

export interface UnitChange {
  unit: string;
  verb: UnitVerb;
}

/** Settings of [Unit] that change nothing about a unit that runs. */
const inert = new Set([
  "Description",
  "Documentation",
  "OnFailure",
  "OnSuccess",
  "OnFailureJobMode",
  "IgnoreOnIsolate",
  "StopWhenUnneeded",
  "RefuseManualStart",
  "AllowIsolate",
  "CollectMode",
  "SourcePath",
]);

interface Setting {
  section: string;
  key: string;
  value: string;
}

function settingsOf(text: string): Setting[] {
  const settings: Setting[] = [];
  let section = "";
  for (const raw of text.replaceAll("\\\n", " ").split("\n")) {
    const line = raw.trim();
    if (line === "" || /^[#;]/.test(line)) continue;
    if (line.startsWith("[")) section = line.slice(1, -1);
    else {
      const at = line.indexOf("=");
      if (at > 0) settings.push({ section, key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() });
    }
  }
  return settings.filter(
    (one) => one.section !== "Install" && !(one.section === "Unit" && inert.has(one.key)),
  );
}

const isReloadTrigger = ({ section, key }: Setting): boolean =>
  section === "Unit" && key === "X-Reload-Triggers";

const render = (settings: readonly Setting[]): string =>
  settings.map(({ section, key, value }) => `[${section}]${key}=${value}`).join("\n");

/** Does the unit's last word on a setting say yes, or no? */
function says(settings: readonly Setting[], section: string, key: string): boolean | undefined {
  const value = settings.findLast((one) => one.section === section && one.key === key)?.value.toLowerCase();
  if (value === undefined) return undefined;
  return ["1", "yes", "true", "on"].includes(value);
}

function verbOf(unit: string, old: string, now: string): UnitVerb | undefined {
  // A socket goes on listening as it does.
  if (/\.(target|slice|scope|device|socket)$/.test(unit)) return undefined;
  const [before, after] = [settingsOf(old), settingsOf(now)];
  const part = (settings: Setting[], reload: boolean) =>
    render(settings.filter((one) => isReloadTrigger(one) === reload));
  if (part(before, false) === part(after, false))
    return part(before, true) === part(after, true) ? undefined : "reload";
  if (/\.(mount|automount)$/.test(unit) || says(after, "Service", "X-ReloadIfChanged") === true)
    return "reload";
  const left =
    says(after, "Service", "X-RestartIfChanged") === false ||
    says(after, "Unit", "X-OnlyManualStart") === true ||
    says(after, "Unit", "RefuseManualStop") === true;
  return left ? "leave" : "restart";
}

/**
 * What a switch from one set of units to another does. Pure. Which of them run is not known here: a stopped unit is left alone by a
 * switch, so this is the most that happens. Units that are new are only listed where something starts them (`started`).
 */
export function compareUnits(before: Units, after: Units, started: ReadonlySet<string>): UnitChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((unit): UnitChange[] => {
    const [old, now] = [before.get(unit), after.get(unit)];
    if (old === undefined) return started.has(unit) ? [{ unit, verb: "start" }] : [];
    if (now === undefined)
      return says(settingsOf(old), "Unit", "X-StopOnRemoval") === false ? [] : [{ unit, verb: "stop" }];
    const verb = verbOf(unit, old, now);
    return verb === undefined ? [] : [{ unit, verb }];
  });
}
