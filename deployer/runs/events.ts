import { z } from "zod";
import { jsonOrUndefined } from "../json.ts";

/** How the work on a host ended. */
export const outcomes = [
  /** Another system ran before; the new one was found healthy and kept. */
  "switched",
  /** The wanted system ran already and was found healthy. */
  "verified",
  /** It was rolled back by hand, and this very release is not wanted there; or somebody else has switched it, and it is left so. */
  "held",
  /** The new system did not become healthy; the host was read back on the old one. */
  "rolled back",
  /** The same, but nobody could read it back. */
  "lost",
  /** It could not be reached; nothing was changed there. */
  "not reached",
  /** Its work was cut off. */
  "interrupted",
  /** Anything else, before a trial began. */
  "failed",
] as const;
export type Outcome = (typeof outcomes)[number];

/** How a host came out of an update. */
export const results = [
  ...outcomes,
  /** There was nothing to do. */
  "unchanged",
  /** The update did not come to it. */
  "not started",
] as const;
export type Result = (typeof results)[number];

const at = z.iso.datetime();
const host = z.string();

/** An error as people are told it, in its parts. */
const failure = z.object({
  tried: z.string().optional(),
  cameBack: z.string(),
  stands: z.string().optional(),
  next: z.string().optional(),
});
export type ToldFailure = z.infer<typeof failure>;

/** What a package of a closure takes. */
const packageSize = z.object({
  name: z.string(),
  /** Unpacked. */
  bytes: z.int(),
  /** "same" has not one path that differs from those of the system before. */
  state: z.enum(["same", "changed", "new"]),
  versions: z.array(z.string()),
  /** Of a package that was there before and differs. */
  before: z.object({ bytes: z.int(), versions: z.array(z.string()) }).optional(),
});
export type PackageSize = z.infer<typeof packageSize>;

/** One line of a run's record. All of a host's lines together are its timeline. */
const runEvent = z.discriminatedUnion("event", [
  /** What the program wants of the hosts, in which order. The first line of an update, where the program knows of the record. */
  z.object({
    event: z.literal("plan"),
    at,
    stack: z.string(),
    /** Every host once; a group begins when the one before it is done. */
    groups: z.array(z.array(host)),
    maxUnavailable: z.int(),
    /** Toplevels by host. */
    wanted: z.record(host, z.string()),
  }),
  /** Work on a host begins. */
  z.object({ event: z.literal("begin"), at, host, wanted: z.string() }),
  /** What happens there now, for people. */
  z.object({ event: z.literal("step"), at, host, step: z.string() }),
  /** Its new system is about to be switched to, under a guard. */
  z.object({ event: z.literal("trial"), at, host }),
  /** The new system was kept, or the old one is back. */
  z.object({ event: z.literal("verdict"), at, host }),
  /** One look at one health check; a repeated answer is told once a second at most. */
  z.object({
    event: z.literal("health"),
    at,
    host,
    /** As people know it, e.g. "http://web/healthz". */
    check: z.string(),
    /** Where it was asked, where it is asked from outside. */
    address: z.string().optional(),
    healthy: z.boolean(),
    because: z.string().optional(),
    /** Milliseconds that the answer took. */
    took: z.number().optional(),
  }),
  /** What was found of a system on trial, all in all. */
  z.object({
    event: z.literal("judged"),
    at,
    host,
    healthy: z.boolean(),
    because: z.string().optional(),
    /** Units that failed, with the end of their journals. */
    units: z.array(z.object({ unit: z.string(), journal: z.string() })).optional(),
  }),
  /** The system that is to run, by packages, the largest first. */
  z.object({
    event: z.literal("closure"),
    at,
    host,
    toplevel: z.string(),
    bytes: z.int(),
    paths: z.int(),
    /** The system before; absent where it is not known here. */
    before: z.object({ toplevel: z.string(), bytes: z.int(), paths: z.int() }).optional(),
    packages: z.array(packageSize),
    /** Packages that the system before had and this one has not. */
    gone: z.array(z.object({ name: z.string(), bytes: z.int(), versions: z.array(z.string()) })),
    /** The largest paths that the system before did not have. */
    newPaths: z.array(z.object({ path: z.string(), bytes: z.int() })),
  }),
  /** What the host lacked of it, and so is brought there. */
  z.object({ event: z.literal("lacks"), at, host, paths: z.int(), bytes: z.int() }),
  /** What an installation does now. */
  z.object({ event: z.literal("installing"), at, host, step: z.string() }),
  /** An installation ended: well, unless there is a failure. */
  z.object({ event: z.literal("installed"), at, host, failure: failure.optional() }),
  /** The table that the update ended with, and the exit code. */
  z.object({
    event: z.literal("summary"),
    at,
    exitCode: z.int(),
    results: z.array(
      z.object({
        host,
        outcome: z.enum(results),
        before: z.string().optional(),
        after: z.string().optional(),
        wanted: z.string(),
        seconds: z.number().optional(),
        because: z.string().optional(),
      }),
    ),
  }),
  z.object({
    event: z.literal("end"),
    at,
    host,
    outcome: z.enum(outcomes),
    /** The toplevel that ran before; absent where it was not learnt. */
    before: z.string().optional(),
    /** The toplevel that runs now; absent where it was not learnt. */
    after: z.string().optional(),
    /** Why, where it did not end well: one line. */
    because: z.string().optional(),
    /** The whole error. */
    failure: failure.optional(),
  }),
]);
export type RunEvent = z.infer<typeof runEvent>;
type WithoutTime<Event> = Event extends RunEvent ? Omit<Event, "at"> : never;
/** An event as it is told: when is the record's to say. */
export type NewRunEvent = WithoutTime<RunEvent>;

/** The events of a record. Lines of another version, and one that was cut off, are left out. */
export function parseEvents(text: string): RunEvent[] {
  return text.split("\n").flatMap((line) => {
    const parsed = runEvent.safeParse(jsonOrUndefined(line));
    return parsed.success ? [parsed.data] : [];
  });
}
