import type { Result, RunEvent } from "./events.ts";

/** How a host came out of an update. */
export interface HostResult {
  host: string;
  outcome: Result;
  /** Toplevels, where they are known. */
  before?: string | undefined;
  after?: string | undefined;
  wanted: string;
  /** Of the work on it; absent where there was none. */
  seconds?: number;
  because?: string | undefined;
}

/** Why a host is left that somebody else has switched. */
const leftAsSwitched =
  "it was switched by other means; it is left so until there is another release (drift: report)";

type Plan = Extract<RunEvent, { event: "plan" }>;
type Begin = Extract<RunEvent, { event: "begin" }>;
type End = Extract<RunEvent, { event: "end" }>;

/** Whether the host runs what is wanted of it. */
export const isDone = ({ wanted, after }: HostResult): boolean => after === wanted;

const seconds = (begin: Begin, end: { at: string }): number =>
  (Date.parse(end.at) - Date.parse(begin.at)) / 1000;

/** web2 before web10. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;

/**
 * What an update did, host by host in its order, those of a group by name. Pure.
 * @param events of the update's record
 * @param runs what each host runs as far as the stack's state knows: for hosts that the update did nothing to
 * @param left the toplevels that hosts were last deployed as, of those that are left as somebody else switches them (drift: report)
 * @returns undefined where the update did not get as far as a plan
 */
export function summarise(
  events: readonly RunEvent[],
  runs: Readonly<Record<string, string>>,
  left: Readonly<Record<string, string>> = {},
): HostResult[] | undefined {
  const plan = events.findLast((event): event is Plan => event.event === "plan");
  if (!plan) return undefined;
  const results: HostResult[] = [];
  for (const [index, group] of plan.groups.entries()) {
    for (const host of group.toSorted(byName)) {
      const wanted = plan.wanted[host] ?? "";
      const known = { host, wanted, runs: runs[host], isLeft: left[host] === wanted };
      results.push(worked(events, host, wanted) ?? idle(known, plan.groups.slice(0, index), results));
    }
  }
  return results;
}

/**
 * An unchanged host that was asked what it runs. Pure.
 * @param isLeft whether an update leaves it as somebody else switches it (drift: report)
 */
export function seenToRun(result: HostResult, current: string | undefined, isLeft: boolean): HostResult {
  if (current === result.wanted) return result;
  if (isLeft) return { ...result, outcome: "held", after: current, because: leftAsSwitched };
  const because = "it was switched by other means; berth up --refresh puts that right";
  return { ...result, after: current, because };
}

/** A host that something was done to, or tried; undefined where there is nothing of that. */
export function worked(events: readonly RunEvent[], host: string, wanted: string): HostResult | undefined {
  const begin = events.findLast((event): event is Begin => event.event === "begin" && event.host === host);
  if (!begin) return undefined;
  const later = events.slice(events.indexOf(begin));
  const end = later.find((event): event is End => event.event === "end" && event.host === host);
  if (end && end.outcome !== "interrupted") {
    const { outcome, before, after, because } = end;
    return { host, outcome, before, after, wanted, seconds: seconds(begin, end), because };
  }
  // What its program was told as it was cut off says less than what was being done.
  const last = later.findLast((event) => "host" in event && event.host === host && event !== end) ?? begin;
  const step = last.event === "step" ? ` while ${last.step}` : "";
  return {
    host,
    outcome: "interrupted",
    wanted,
    seconds: seconds(begin, end ?? last),
    because: `it was cut off${step}; the next update goes on, and the host's guard rolls a trial back that nobody confirms`,
  };
}

/** A host that the update did nothing to. */
function idle(
  { host, wanted, runs, isLeft }: { host: string; wanted: string; runs: string | undefined; isLeft: boolean },
  earlier: readonly string[][],
  results: readonly HostResult[],
): HostResult {
  const known = { host, before: runs, after: runs, wanted };
  if (runs === wanted) return { ...known, outcome: "unchanged" };
  if (isLeft)
    return {
      ...known,
      outcome: "held",
      because: leftAsSwitched,
    };
  const stopped = results.find((result) => earlier.flat().includes(result.host) && !isDone(result));
  const because = stopped
    ? `${stopped.host}, which comes before it, is not done: ${stopped.outcome}`
    : "what it needs did not come about: see above";
  return { ...known, outcome: "not started", because };
}
