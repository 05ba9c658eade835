import type { PackageSize, Result, RunEvent, ToldFailure } from "../../deployer/runs/events.ts";
import { byName, type HostResult, summarise, worked } from "../../deployer/runs/summary.ts";
import { type Phase, phasesOf } from "./phases.ts";

/** What an update did, as its record tells it. All `seconds` and moments count from the beginning of the update. */
export interface Report {
  stack: string;
  /** ISO 8601. */
  began: string;
  /** To the last thing that is recorded. */
  seconds: number;
  /** Pulumi's; undefined where the update was cut off, or was not `berth up`. */
  exitCode?: number;
  /** In the order of the update. */
  hosts: HostReport[];
  /** Systems that were to run, each once. */
  closures: ClosureReport[];
}

export interface HostReport {
  host: string;
  outcome: Result | "not recorded";
  /** Whether it runs what is wanted; null where the record does not tell. */
  done: boolean | null;
  before?: string | undefined;
  after?: string | undefined;
  wanted?: string | undefined;
  seconds?: number | undefined;
  /** Why, in a line. */
  because?: string | undefined;
  /** What went wrong, in full, and with what. */
  failure?: ToldFailure & { during: "installation" | "release"; units: { unit: string; journal: string }[] };
  phases: Phase[];
  trial?: Trial;
  checks: CheckReport[];
  /** What the host lacked of its system. */
  lacked?: { paths: number; bytes: number };
}

export interface Trial {
  from: number;
  /** When it was over: kept, or back. */
  to: number;
  judged?: { at: number; healthy: boolean; because?: string | undefined };
}

/** The looks at one check, in order: those with the same answer together. */
export interface CheckReport {
  check: string;
  address?: string | undefined;
  answers: {
    healthy: boolean;
    because?: string | undefined;
    from: number;
    to: number;
    looks: number;
    took?: number | undefined;
  }[];
}

export interface ClosureReport {
  hosts: string[];
  toplevel: string;
  bytes: number;
  paths: number;
  before?: { toplevel: string; bytes: number; paths: number } | undefined;
  packages: PackageSize[];
  gone: { name: string; bytes: number; versions: string[] }[];
  newPaths: { path: string; bytes: number }[];
}

type Of<Kind extends RunEvent["event"]> = Extract<RunEvent, { event: Kind }>;
const is =
  <Kind extends RunEvent["event"]>(kind: Kind) =>
  (event: RunEvent): event is Of<Kind> =>
    event.event === kind;

/** The report of a record; undefined where that has nothing in it. Pure. */
export function reportOf(events: readonly RunEvent[], stack = ""): Report | undefined {
  const [first] = events;
  if (!first) return undefined;
  const start = Date.parse(first.at);
  const secondsOf = ({ at }: { at: string }) => Math.max(0, (Date.parse(at) - start) / 1000);
  // Who writes at the same time may do so in another order.
  const sorted = events.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
  const summary = sorted.findLast(is("summary"));
  const work = sorted.filter((event) => event.event !== "summary");
  const end = Math.max(0, ...work.map(secondsOf));
  const plan = work.findLast(is("plan"));
  const hosts = resultsOf(work, summary?.results).map((result) =>
    hostReport(
      result,
      work.filter((event) => "host" in event && event.host === result.host),
      secondsOf,
      end,
    ),
  );
  return {
    stack: plan?.stack ?? stack,
    began: first.at,
    seconds: end,
    ...(summary ? { exitCode: summary.exitCode } : {}),
    hosts,
    closures: closuresOf(work),
  };
}

type Told = Pick<HostReport, "host" | "outcome" | "done"> & Partial<Omit<HostResult, "outcome">>;

/** How each host came out: as the update's own table has it, else as far as the record tells. */
function resultsOf(events: readonly RunEvent[], summary: readonly HostResult[] | undefined): Told[] {
  const told = (result: HostResult): Told => ({ ...result, done: result.after === result.wanted });
  if (summary) return summary.map(told);
  const planned = summarise(events, {});
  const worker = (host: string, wanted: string): Told => {
    const result = worked(events, host, wanted);
    return result
      ? told(result)
      : { host, outcome: "not recorded", done: null, ...(wanted ? { wanted } : {}) };
  };
  if (planned) return planned.map(({ host, wanted }) => worker(host, wanted));
  const wanted = new Map<string, string>();
  for (const event of events)
    if ("host" in event)
      wanted.set(event.host, event.event === "begin" ? event.wanted : (wanted.get(event.host) ?? ""));
  return [...wanted]
    .toSorted(([one], [other]) => byName(one, other))
    .map(([host, toplevel]) => worker(host, toplevel));
}

function hostReport(
  result: Told,
  events: readonly RunEvent[],
  secondsOf: (event: { at: string }) => number,
  end: number,
): HostReport {
  const trial = trialOf(events, secondsOf, end);
  const lacked = events.findLast(is("lacks"));
  const failure = failureOf(events, result);
  const { host, outcome, done, before, after, wanted, seconds, because } = result;
  return {
    ...{ host, outcome, done, before, after, wanted, seconds, because },
    ...(failure ? { failure } : {}),
    phases: phasesOf(events, secondsOf, end),
    ...(trial ? { trial } : {}),
    checks: checksOf(events.filter(is("health")), secondsOf),
    ...(lacked ? { lacked: { paths: lacked.paths, bytes: lacked.bytes } } : {}),
  };
}

/** What went wrong on a host: the whole error where it is recorded, else the line that is. */
function failureOf(events: readonly RunEvent[], { outcome, done, because }: Told): HostReport["failure"] {
  const installed = events.findLast(is("installed"))?.failure;
  if (installed) return { ...installed, during: "installation", units: [] };
  const during = "release" as const;
  const judged = events.findLast(is("judged"));
  const units = judged?.healthy === false ? (judged.units ?? []) : [];
  const whole = events.findLast(is("end"))?.failure;
  if (whole) {
    // The error's text has the journals in it, which are shown by themselves.
    const found = judged?.because;
    const short = units.length > 0 && found !== undefined && whole.cameBack.startsWith(found);
    return { ...whole, ...(short ? { cameBack: found } : {}), during, units };
  }
  if (done !== false || outcome === "not started" || because === undefined) return undefined;
  return { cameBack: because, during, units };
}

function trialOf(
  events: readonly RunEvent[],
  secondsOf: (event: { at: string }) => number,
  end: number,
): Trial | undefined {
  const began = events.findLast(is("trial"));
  if (!began) return undefined;
  const later = events.slice(events.indexOf(began));
  const over = later.find((event) => event.event === "verdict" || event.event === "end");
  const judged = later.findLast(is("judged"));
  return {
    from: secondsOf(began),
    to: over ? secondsOf(over) : end,
    ...(judged
      ? { judged: { at: secondsOf(judged), healthy: judged.healthy, because: judged.because } }
      : {}),
  };
}

function checksOf(
  looks: readonly Of<"health">[],
  secondsOf: (event: { at: string }) => number,
): CheckReport[] {
  const checks = new Map<string, CheckReport>();
  for (const look of looks) {
    const { check, address, healthy, because, took } = look;
    const key = JSON.stringify([check, address]);
    const of = checks.get(key) ?? { check, address, answers: [] };
    checks.set(key, of);
    const at = secondsOf(look);
    const last = of.answers.at(-1);
    if (last?.healthy === healthy && last.because === because) {
      last.to = at;
      last.looks += 1;
    } else of.answers.push({ healthy, because, from: at, to: at, looks: 1, took });
  }
  return [...checks.values()];
}

/** Each system once, with the hosts that were to run it in the place of the same other one. */
function closuresOf(events: readonly RunEvent[]): ClosureReport[] {
  const closures = new Map<string, ClosureReport>();
  for (const { host, toplevel, bytes, paths, before, packages, gone, newPaths } of events.filter(
    is("closure"),
  )) {
    const key = JSON.stringify([toplevel, before?.toplevel]);
    const same = closures.get(key);
    if (!same) closures.set(key, { hosts: [host], toplevel, bytes, paths, before, packages, gone, newPaths });
    else if (!same.hosts.includes(host)) same.hosts.push(host);
  }
  for (const { hosts } of closures.values()) hosts.sort(byName);
  return [...closures.values()];
}
