import { compareClosures, groupByPackage } from "../compare/packages.ts";
import { Failure, messageOf } from "../failure.ts";
import type { HealthLook } from "../health/check.ts";
import type { Closure } from "../nix/closure.ts";
import type { TrialVerdict } from "../release/judge.ts";
import type { NewRunEvent, ToldFailure } from "./events.ts";
import type { RunRecord } from "./record.ts";

/** What is learnt while a release is on its way, for its record. Each is told what is known by then: nothing is asked for it. */
export interface Learnt {
  /** What the host is to have. */
  closure: (closure: Closure) => void;
  /** What it lacked of that; `bytes` unpacked. */
  lacks: (missing: { paths: number; bytes: number }) => void;
  /** A check was asked once. */
  look: (look: HealthLook) => void;
  /** The system on trial was judged. */
  judged: (verdict: TrialVerdict) => void;
}

/** Milliseconds in which the same answer is told once. */
const repeats = 1_000;

/** Paths that are told by themselves. */
const mostPaths = 50;

type ClosureEvent = Extract<NewRunEvent, { event: "closure" }>;

/** Writes what is learnt of a host to a record. @param toplevel the system that is wanted there */
export function recordLearnt(
  record: Pick<RunRecord, "add">,
  host: string,
  toplevel: string,
  now: () => number = Date.now,
): Learnt {
  const told = new Map<string, { answer: string; at: number }>();
  return {
    // A few milliseconds of work, done while the host is being asked.
    closure: (closure) =>
      void setImmediate(() => {
        if (closure.paths.length > 0) record.add(closureEvent(host, toplevel, closure));
      }),
    lacks: (missing) => record.add({ event: "lacks", host, ...missing }),
    look: ({ check, address, verdict }) => {
      const key = JSON.stringify([check, address]);
      const answer = verdict.healthy ? "" : verdict.because;
      const before = told.get(key);
      const at = now();
      if (before?.answer === answer && at - before.at < repeats) return;
      told.set(key, { answer, at });
      const found = verdict.healthy
        ? { healthy: true, took: verdict.took }
        : { healthy: false, because: verdict.because };
      record.add({ event: "health", host, check, ...(address === undefined ? {} : { address }), ...found });
    },
    judged: (verdict) =>
      record.add({
        event: "judged",
        host,
        healthy: verdict.healthy,
        ...(verdict.healthy ? {} : { because: verdict.because, units: [...verdict.units] }),
      }),
  };
}

/** A closure by packages, beside the one before it. Pure. */
export function closureEvent(
  host: string,
  toplevel: string,
  { paths, beside, before }: Closure,
): ClosureEvent {
  const sum = (of: readonly { bytes: number }[]) => of.reduce((total, { bytes }) => total + bytes, 0);
  const known = beside !== undefined && before !== undefined;
  const change = compareClosures(before ?? [], paths);
  const changed = new Map(change.changed.map((one) => [one.name, one]));
  const added = new Set(change.added.map(({ name }) => name));
  const bySize = (one: { bytes: number }, other: { bytes: number }) => other.bytes - one.bytes;
  return {
    event: "closure",
    host,
    toplevel,
    bytes: sum(paths),
    paths: paths.length,
    ...(known ? { before: { toplevel: beside, bytes: sum(before), paths: before.length } } : {}),
    packages: groupByPackage(paths)
      .map(({ name, bytes, versions }) => {
        const other = known ? changed.get(name) : undefined;
        if (other)
          return {
            ...{ name, bytes, versions, state: "changed" as const },
            before: { bytes: bytes - other.bytes, versions: other.before },
          };
        return {
          name,
          bytes,
          versions,
          state: known && added.has(name) ? ("new" as const) : ("same" as const),
        };
      })
      .toSorted(bySize),
    gone: known
      ? change.removed.map(({ name, bytes, before: versions }) => ({ name, bytes: -bytes, versions }))
      : [],
    newPaths: known
      ? paths
          .filter(({ shared }) => shared !== true)
          .toSorted(bySize)
          .slice(0, mostPaths)
          .map(({ path, bytes }) => ({ path, bytes }))
      : [],
  };
}

/** An error in its parts. */
export function toldFailure(error: unknown): ToldFailure {
  if (!(error instanceof Failure)) return { cameBack: messageOf(error) };
  const { tried, cameBack, stands, next } = error;
  return { tried, cameBack, ...(stands === undefined ? {} : { stands }), next };
}
