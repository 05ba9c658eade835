import { metadata } from "./machine.ts";
import { type Json, jsonAt, type MachineConfig } from "./shapes.ts";

/** One value that is otherwise: undefined where there is none. */
export interface Change {
  /** E.g. ["env", "LEVEL"]; services by their place. */
  path: readonly string[];
  from: Scalar | undefined;
  to: Scalar | undefined;
}
type Scalar = boolean | number | string;

/** That a machine gets no traffic though it serves: somebody has taken it aside, or a way back has failed. */
export const outOfTraffic: Change = { path: ["cordoned"], from: true, to: undefined };

/** What Berth says of a machine. The rest of a configuration is the platform's or somebody else's and is left as it is. */
const managed = [
  "image",
  "guest",
  "env",
  "init",
  "services",
  "checks",
  "mounts",
  "restart",
  "stop_config",
  "metadata",
] as const;
/** Of these maps others have keys, too. */
const sharedMaps: Record<string, readonly string[]> = {
  guest: ["cpu_kind", "cpus", "memory_mb"],
  init: ["cmd", "swap_size_mb"],
  metadata: [metadata.platform, metadata.process, metadata.secrets],
};

/** What differs between what a machine has and what it shall have; empty when nothing does. */
export function differences(has: MachineConfig, wanted: MachineConfig): Change[] {
  const [before, after] = [leaves(has), leaves(wanted)];
  const paths = new Map([...before, ...after].map(([key, { path }]) => [key, path]));
  return [...paths]
    .filter(([key]) => before.get(key)?.value !== after.get(key)?.value)
    .map(([key, path]) => ({ path, from: before.get(key)?.value, to: after.get(key)?.value }))
    .toSorted((a, b) => (a.path.join(".") < b.path.join(".") ? -1 : 1));
}

/** The configuration to send: what Berth says, and what others have said beside it. */
export function merged(has: MachineConfig, wanted: MachineConfig): MachineConfig {
  const kept = Object.entries(has).filter(([key]) => !(managed as readonly string[]).includes(key));
  const shared = Object.entries(sharedMaps).map(([key, ours]) => {
    const theirs = Object.entries(asMap(has[key])).filter(([name]) => !ours.includes(name));
    return [key, { ...Object.fromEntries(theirs), ...asMap(wanted[key]) }];
  });
  return withVolumes({ ...Object.fromEntries(kept), ...wanted, ...Object.fromEntries(shared) }, has);
}

/** A machine keeps the volume that it has under that name. */
function withVolumes(config: MachineConfig, has: MachineConfig): MachineConfig {
  const { mounts } = config;
  if (!Array.isArray(mounts)) return config;
  const theirs = Array.isArray(has["mounts"]) ? has["mounts"] : [];
  return {
    ...config,
    mounts: mounts.map((mount) => {
      const own = theirs.find((one) => jsonAt(one, "name") === jsonAt(mount, "name"));
      return { ...asMap(own), ...asMap(mount) };
    }),
  };
}

/** Whether a machine has to be made anew: no update gives it another volume. */
export function needsAnotherVolume(has: MachineConfig, wanted: MachineConfig): boolean {
  const names = (config: MachineConfig) =>
    (Array.isArray(config["mounts"]) ? config["mounts"] : []).map((mount) => jsonAt(mount, "name")).join(" ");
  return names(has) !== names(wanted);
}

/** Every value of the managed part, by its path, in the form that makes equal what means the same. */
function leaves(config: MachineConfig): Map<string, { path: string[]; value: Scalar }> {
  const found = new Map<string, { path: string[]; value: Scalar }>();
  const visit = (value: Json | undefined, path: string[]): void => {
    if (value === undefined || value === null) return;
    if (typeof value !== "object") {
      const plain = plainValue(value, path);
      if (plain !== undefined) found.set(JSON.stringify(path), { path, value: plain });
      return;
    }
    const inner = Array.isArray(value) ? sortedList(value, path).entries() : Object.entries(value);
    for (const [key, one] of inner) visit(one, [...path, String(key)]);
  };
  for (const key of managed) visit(relevant(key, config[key]), [key]);
  return found;
}

/** The part of a managed key that is Berth's to say. */
function relevant(key: string, value: Json | undefined): Json | undefined {
  const ours = sharedMaps[key];
  if (ours) return Object.fromEntries(Object.entries(asMap(value)).filter(([name]) => ours.includes(name)));
  // A mount has the volume's id and size beside what was asked for.
  if (key === "mounts" && Array.isArray(value))
    return value.map((mount) => ({ name: jsonAt(mount, "name"), path: jsonAt(mount, "path") }));
  if (key === "services" && Array.isArray(value))
    return value.map((service) => ({ autostop: "off", autostart: true, ...asMap(service) }));
  return value;
}

/** Go writes "60s" as "1m0s", leaves out what is zero, and has words for what were once truth values. */
function plainValue(value: Scalar, path: readonly string[]): Scalar | undefined {
  const key = path.at(-1) ?? "";
  // What an environment holds are texts, whatever they look like.
  if (path[0] === "env" || path[0] === "metadata") return value;
  if (key === "autostart") return value;
  if (key === "autostop") return value === true ? "stop" : value === false ? "off" : value;
  if (path[0] === "image") return String(value).replace(/^(.*?)(?::[^:/@]+)?@/, "$1@");
  if (["interval", "timeout", "grace_period"].includes(key)) value = secondsOf(value) ?? value;
  return value === "" || value === false || value === 0 ? undefined : value;
}

/** Lists in which the order says nothing. */
function sortedList(list: Json[], path: readonly string[]): Json[] {
  if (path.at(-1) === "handlers") return list.toSorted();
  const name = (header: Json) => String(jsonAt(header, "name"));
  return path.at(-1) === "headers" ? list.toSorted((a, b) => (name(a) < name(b) ? -1 : 1)) : list;
}

const unit: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3, µs: 1e-6, us: 1e-6, ns: 1e-9 };

function secondsOf(value: Scalar): number | undefined {
  if (typeof value !== "string" || !/^(\d+(\.\d+)?(h|ms|m|s|µs|us|ns))+$/.test(value)) return undefined;
  return [...value.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|µs|us|ns)/g)].reduce(
    (sum, [, amount, name = ""]) => sum + Number(amount) * (unit[name] ?? 0),
    0,
  );
}

const asMap = (value: Json | undefined): { [key: string]: Json | undefined } =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

/** A change in people's words. */
export function describeChange({ path, from, to }: Change): string {
  const [head, ...rest] = path;
  if (head === "cordoned") return "it is out of the traffic, and gets it again once it is healthy";
  if (head === "metadata" && rest[0] === metadata.secrets) return "secrets changed";
  const show = (value: Scalar): string =>
    head === "image" ? shortImage(String(value)) : JSON.stringify(value);
  const what = path.join(".");
  if (from === undefined) return `${what}: ${to === undefined ? "" : show(to)} (new)`;
  return to === undefined ? `${what}: ${show(from)} (goes)` : `${what}: ${show(from)} -> ${show(to)}`;
}

/** Enough of a digest to tell it from others. */
export const shortImage = (image: string): string =>
  image.replace(/sha256:([0-9a-f]{12})[0-9a-f]{52}/, "sha256:$1…");
