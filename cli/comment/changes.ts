import { nameOf, type Preview, plain, type Step, unknownValue, unprefixed } from "./preview.ts";

/** What happens to a host, the gravest first. */
export const doings = [
  "DELETE",
  "REINSTALL",
  "REPLACE",
  "INSTALL",
  "power off and on",
  "reboot",
  "switch",
  "change",
  "nothing",
] as const;
export type Doing = (typeof doings)[number];

export interface HostChange {
  host: string;
  /** At least one, the gravest first. */
  doings: Doing[];
  /** What Berth says of it in the preview. */
  told: string[];
  /** Checks that its release has to pass, in words. */
  health: string[];
  /** Everything of it that is not left as it is. */
  steps: ChangedResource[];
}

export interface ChangedResource {
  op: "create" | "update" | "replace" | "delete";
  /** In words, e.g. "server"; the last part of its type where there is no word for it. */
  what: string;
  name: string;
  /** Why, property by property; that another resource is replaced where it has no reason of its own. */
  causes: string[];
  /** Whether data or an address that people use goes with it, where it is deleted or replaced. */
  loses: boolean;
}

/** What an update would do to a stack. */
export interface StackChanges {
  /** Those that something happens to first, the gravest before the others. */
  hosts: HostChange[];
  /** What belongs to no host. */
  others: ChangedResource[];
  /** What Berth says of the whole stack: prices, what is lost. */
  told: string[];
  /** Why the preview failed; none where it did not. */
  errors: string[];
  /** Whether the whole preview is at hand: of one that failed there is a part at most. */
  whole: boolean;
}

/** Types in words, and whether what is in it goes with it. */
const kinds: Readonly<Record<string, readonly [what: string, loses: boolean]>> = {
  "hcloud:index/server:Server": ["server", true],
  "hcloud:index/volume:Volume": ["volume", true],
  "hcloud:index/volumeAttachment:VolumeAttachment": ["volume's attachment", false],
  "hcloud:index/primaryIp:PrimaryIp": ["address", true],
  "hcloud:index/snapshot:Snapshot": ["snapshot", true],
  "hcloud:index/zone:Zone": ["DNS zone", true],
  "hcloud:index/zoneRrset:ZoneRrset": ["DNS record", true],
  "hcloud:index/network:Network": ["private network", true],
  "hcloud:index/loadBalancer:LoadBalancer": ["load balancer", true],
  "hcloud:index/uploadedCertificate:UploadedCertificate": ["certificate", false],
  "hcloud:index/managedCertificate:ManagedCertificate": ["certificate", false],
  "hcloud:index/firewall:Firewall": ["firewall", false],
  "hcloud:index/firewallAttachment:FirewallAttachment": ["firewall's rules on a server", false],
  "command:local:Command": ["installation", true],
  "berth:deploy:Deployment": ["release", false],
  "berth:host:Secrets": ["secrets", false],
  "berth:host:HostKey": ["host key", false],
  "berth:hetzner:ServerPower": ["power", false],
  "berth:identity:SshKey": ["ssh key", false],
  "berth:identity:AgeKey": ["age key", false],
  "berth:docker:HostService": ["container", true],
  "berth:docker:ComposeProject": ["compose project", true],
  "berth:fly:App": ["app at Fly", true],
  "berth:fly:Deployment": ["release at Fly", false],
};

const server = "hcloud:index/server:Server";
const installation = "command:local:Command";
const deployment = "berth:deploy:Deployment";
const power = "berth:hetzner:ServerPower";
const hostComponent = "berth:index:NixosHost";

/** Pulumi's operations as they are told; one that only reads or forgets is none. */
export const operations: Readonly<Record<string, ChangedResource["op"]>> = {
  create: "create",
  update: "update",
  replace: "replace",
  "create-replacement": "replace",
  "delete-replaced": "replace",
  delete: "delete",
  import: "create",
  "import-replacement": "replace",
};

/** What a preview comes to, host by host. Pure. */
export function changesOf({ steps, diagnostics }: Preview): StackChanges {
  const all = (steps ?? []).filter(({ urn }) => !urn.includes("::pulumi:"));
  const hostOf = hostFinder(all);
  const hosts = new Map<string, Step[]>();
  const others: Step[] = [];
  for (const step of all) {
    const host = hostOf(step);
    if (host === undefined) others.push(step);
    else hosts.set(host, [...(hosts.get(host) ?? []), step]);
  }

  const said = (diagnostics ?? []).map(({ severity, message }) => ({ severity, message: plain(message) }));
  const told = said.filter(({ severity }) => severity !== "error").map(({ message }) => unprefixed(message));
  const ofHost = (host: string) => told.filter((line) => line.startsWith(`${host}: `));
  const ofHosts = new Set([...hosts.keys()].flatMap(ofHost));
  const errors = said.filter(({ severity }) => severity === "error").map(({ message }) => message);

  return {
    hosts: [...hosts]
      .map(([host, own]) => hostChange(host, own, ofHost(host)))
      .sort((one, other) => gravity(one) - gravity(other) || one.host.localeCompare(other.host, "en")),
    others: unique(others.flatMap(changed)),
    told: told.filter((line) => !ofHosts.has(line)),
    errors,
    whole: errors.length === 0,
  };
}

/** Finds the host that the resource of a step belongs to; none where it belongs to all of them. */
export function hostFinder(steps: readonly Step[]): (step: Step) => string | undefined {
  const byUrn = new Map(steps.map((step) => [step.urn, step]));
  return (step) => {
    for (let at: Step | undefined = step; at; at = byUrn.get(parentOf(at) ?? ""))
      if (typeOf(at) === hostComponent) return nameOf(at.urn);
    return undefined;
  };
}

/** A type in words; its last part where there is no word for it. */
export const inWords = (type: string): string => kinds[type]?.[0] ?? type.split(":").at(-1) ?? type;

const gravity = ({ doings: [first] }: HostChange): number => doings.indexOf(first ?? "nothing");

export const typeOf = ({ newState, oldState }: Step): string => newState?.type || oldState?.type || "";
const parentOf = ({ newState, oldState }: Step): string | undefined => newState?.parent ?? oldState?.parent;

function hostChange(host: string, steps: readonly Step[], told: string[]): HostChange {
  const changes = unique(steps.flatMap(changed));
  const opOf = (type: string) => {
    const step = steps.find((one) => typeOf(one) === type && operations[one.op] !== undefined);
    return step && operations[step.op];
  };
  const found = new Set<Doing>();
  if (opOf(hostComponent) === "delete" || opOf(server) === "delete") found.add("DELETE");
  if (opOf(server) === "replace") found.add("REPLACE");
  if (opOf(installation) === "create") found.add("INSTALL");
  // Of another server, installing is part of replacing it.
  if (opOf(installation) === "replace" && opOf(server) !== "replace") found.add("REINSTALL");
  if (opOf(power) === "update") found.add("power off and on");
  if (opOf(deployment) === "update" && releaseChanges(steps)) found.add("switch");
  if (found.has("switch") && told.some((line) => /\breboot on trial\b/.test(line))) found.add("reboot");
  if (found.size === 0 && changes.length > 0) found.add("change");
  if (found.size === 0) found.add("nothing");
  const release = steps.find((step) => typeOf(step) === deployment);
  const health = release?.newState?.inputs["health"];
  return {
    host,
    doings: doings.filter((doing) => found.has(doing)),
    told: told.map((line) => line.slice(host.length + 2)),
    health: Array.isArray(health) ? health.map(describeCheck) : [],
    steps: changes,
  };
}

/** Whether another system is wanted, or the one that was seen is not the one that is wanted. */
function releaseChanges(steps: readonly Step[]): boolean {
  const release = steps.find((step) => typeOf(step) === deployment);
  const wanted = release?.newState?.inputs["toplevel"];
  return wanted !== release?.oldState?.outputs["release"];
}

function changed(step: Step): (ChangedResource & { urn: string })[] {
  const op = operations[step.op];
  const type = typeOf(step);
  // A component is its children.
  if (op === undefined || !(step.newState ?? step.oldState)?.custom) return [];
  const [what, loses] = [inWords(type), kinds[type]?.[1] ?? true];
  return [
    {
      urn: step.urn,
      op,
      what,
      name: nameOf(step.urn),
      causes: causesOf(step, op),
      loses: loses && (op === "delete" || op === "replace"),
    },
  ];
}

/** A replacement may be told in three steps; it is one change. */
function unique(changes: readonly (ChangedResource & { urn: string })[]): ChangedResource[] {
  const byUrn = new Map<string, ChangedResource>();
  for (const { urn, ...change } of changes) {
    const known = byUrn.get(urn);
    byUrn.set(urn, known && known.causes.length >= change.causes.length ? known : change);
  }
  return [...byUrn.values()];
}

function causesOf({ diffReasons, replaceReasons, oldState, newState }: Step, op: ChangedResource["op"]) {
  if (op === "create" || op === "delete") return [];
  const reasons = op === "replace" ? (replaceReasons ?? []) : (diffReasons ?? []);
  if (op === "replace" && reasons.length === 0) return ["what it belongs to is replaced"];
  return reasons.map((property) => {
    const [before, after] = [oldState, newState].map((state) => short(state?.inputs[property]));
    return `${property}: ${before} → ${after}`;
  });
}

/** A value in a few characters. Pulumi has put "[secret]" where one is. */
export function short(value: unknown): string {
  if (value === unknownValue) return "(not known yet)";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "(nothing)");
  const known = text
    .replaceAll(unknownValue, "(not known yet)")
    .replaceAll(/\/nix\/store\/([0-9a-z]{6})[0-9a-z]{26}-/g, "$1…-");
  return known.length > 120 ? `${known.slice(0, 119)}…` : known;
}

/** A health check in words. */
function describeCheck(check: unknown): string {
  if (typeof check !== "object" || check === null) return short(check);
  const { http, https, tcp, unit, command, status, body } = check as Record<string, unknown>;
  const what =
    http !== undefined || https !== undefined
      ? `${short(http ?? https)} answers ${short(status ?? 200)}`
      : tcp !== undefined
        ? `port ${short(tcp)} takes connections`
        : unit !== undefined
          ? `${short(unit)} is active`
          : `${short(command)} succeeds`;
  return body === undefined || body === null ? what : `${what} with ${short(body)}`;
}
