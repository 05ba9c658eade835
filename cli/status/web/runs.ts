import { size } from "../../../deployer/compare/describe.ts";
import type { Result, RunEvent, ToldFailure } from "../../../deployer/runs/events.ts";
import { byName, summarise } from "../../../deployer/runs/summary.ts";

/** A record of an update, as it was found. */
export interface SeenRun {
  /** Its file's name without ".jsonl", which begins with when it began. */
  name: string;
  events: readonly RunEvent[];
  /** Whether the process that keeps it still runs. */
  running: boolean;
  /** Whether a report lies beside it. */
  report: boolean;
}

/** How far an update is with a host. */
export type Doing = Result | "not begun" | "installing" | "working" | "on trial";

export interface RunHost {
  host: string;
  doing: Doing;
  /** Toplevels, where they are known. */
  before?: string;
  after?: string;
  wanted?: string;
  /** ISO 8601; absent where its work has not begun, or not ended. */
  began?: string;
  ended?: string;
  /** Why it did not end well: one line, and the whole error. */
  because?: string;
  failure?: ToldFailure;
  /** What has happened there, oldest first; `at` in ISO 8601. */
  steps: { at: string; what: string }[];
}

/** An update for people. */
export interface LiveRun {
  name: string;
  running: boolean;
  report: boolean;
  /** ISO 8601: its first line and its last. */
  began?: string;
  latest?: string;
  hosts: RunHost[];
}

type Of<Kind extends RunEvent["event"]> = Extract<RunEvent, { event: Kind }>;
type HostEvent = Extract<RunEvent, { host: string }>;
const isHostEvent = (event: RunEvent): event is HostEvent => "host" in event;

/** Pure. */
export function liveRun({ name, events, running: kept, report }: SeenRun): LiveRun {
  const plan = events.findLast((event): event is Of<"plan"> => event.event === "plan");
  const summary = events.findLast((event): event is Of<"summary"> => event.event === "summary");
  // What keeps the record may have a report to write after that.
  const running = kept && summary === undefined;
  const worked = events.filter(isHostEvent);
  const begun = [...new Set(worked.map(({ host }) => host))];
  // A record that only the provider keeps has no plan: the order is that in which it came to them.
  const groups = plan ? plan.groups.map((group) => group.toSorted(byName)) : [begun];
  const hosts = [...new Set([...groups.flat(), ...begun])].map((host) => {
    const own = worked.filter((event) => event.host === host);
    return own.length > 0
      ? hostIn(host, own, running, plan?.wanted[host])
      : leftAlone(host, plan?.wanted[host], summary);
  });
  return { name, running, report, began: events[0]?.at, latest: events.at(-1)?.at, hosts };
}

/** A host that nothing was done to: what the table of the update says of it, where that was written. */
function leftAlone(host: string, wanted: string | undefined, summary: Of<"summary"> | undefined): RunHost {
  const result = summary?.results.find((one) => one.host === host);
  if (!result) return { host, doing: "not begun", wanted, steps: [] };
  const { outcome, before, after, because } = result;
  return { host, doing: outcome, before, after, wanted, because, steps: [] };
}

/** @param all of this host's events */
function hostIn(
  host: string,
  all: readonly HostEvent[],
  running: boolean,
  planned: string | undefined,
): RunHost {
  // Where it was begun several times, the last one counts, with the installation right before it.
  const begun = all.findLastIndex(({ event }) => event === "begin");
  const earlier = all.slice(0, Math.max(0, begun)).findLastIndex(({ event }) => event === "end");
  const events = all.slice(earlier + 1);
  const begin = events.find((event): event is Of<"begin"> => event.event === "begin");
  const wanted = begin?.wanted ?? planned;
  const common = { host, wanted, began: events[0]?.at, steps: events.flatMap(stepOf) };
  const end = events.findLast((event): event is Of<"end"> => event.event === "end");
  if (end) {
    const { outcome, before, after, failure } = end;
    const because = outcome === "interrupted" ? cutOff(events) : end.because;
    return { ...common, doing: outcome, before, after, because, failure, ended: end.at };
  }
  const installed = events.findLast((event): event is Of<"installed"> => event.event === "installed");
  if (!begin && installed?.failure) {
    const because = installed.failure.cameBack.trim().split("\n")[0];
    return { ...common, doing: "failed", because, failure: installed.failure, ended: installed.at };
  }
  if (!running) return { ...common, doing: "interrupted", because: cutOff(events) };
  if (!begin) return { ...common, doing: installed ? "working" : "installing" };
  const mark = events.findLast(({ event }) => event === "trial" || event === "verdict");
  return { ...common, doing: mark?.event === "trial" ? "on trial" : "working" };
}

/** The words of the table that `berth up` ends with. */
function cutOff(events: readonly HostEvent[]): string {
  const begin = events.find((event): event is Of<"begin"> => event.event === "begin");
  if (!begin) return "its installation was cut off; the next update goes on with it";
  const { at, host, wanted } = begin;
  const groups = [[host]];
  const plan: RunEvent = {
    event: "plan",
    at,
    stack: "",
    groups,
    maxUnavailable: 1,
    wanted: { [host]: wanted },
  };
  return summarise([plan, ...events], {})?.[0]?.because ?? "it was cut off";
}

function stepOf(event: HostEvent): RunHost["steps"] {
  const what = wordsOf(event);
  return what === undefined ? [] : [{ at: event.at, what }];
}

function wordsOf(event: HostEvent): string | undefined {
  switch (event.event) {
    case "step":
      return event.step;
    case "installing":
      return `installation: ${event.step}`;
    case "installed":
      return event.failure ? "the installation failed" : "it is installed";
    case "lacks":
      return `it lacks ${event.paths} paths, ${size(event.bytes)}`;
    case "trial":
      return "the trial begins: the guard is armed, and it switches";
    case "health":
      return `${event.check}: ${event.healthy ? "healthy" : (event.because ?? "unhealthy")}`;
    case "judged":
      return event.healthy ? "it is healthy" : `it is not healthy: ${event.because ?? "see its units"}`;
    case "verdict":
      return "the verdict: kept, or back on the old system";
    default:
      return undefined;
  }
}

/** How many of its hosts came out how, the gravest first; those that it did not come to, or had nothing to do to, last. */
export function outcomesOf({ hosts }: LiveRun): { doing: Doing; count: number }[] {
  return gravity.flatMap((doing) => {
    const count = hosts.filter((host) => host.doing === doing).length;
    return count > 0 ? [{ doing, count }] : [];
  });
}

const gravity: readonly Doing[] = [
  "lost",
  "rolled back",
  "failed",
  "not reached",
  "interrupted",
  "not started",
  "held",
  "on trial",
  "working",
  "installing",
  "switched",
  "verified",
  "unchanged",
  "not begun",
];

/** Hosts that its work has ended on. */
export const endedIn = ({ hosts }: LiveRun): RunHost[] => hosts.filter(({ ended }) => ended !== undefined);
