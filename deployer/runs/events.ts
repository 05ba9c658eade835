import { z } from "zod";
import { jsonOrUndefined } from "../json.ts";

/** How the work on a host ended. */
export const outcomes = [
  /** Another system ran before; the new one was found healthy and kept. */
  "switched",
  /** The wanted system ran already and was found healthy. */
  "verified",
  /** It was rolled back by hand, and this very release is not wanted there. */
  "held",
  /** The new system did not become healthy; the host was read back on the old one. */
  "rolled back",
  /** The same, but nobody could read it back. */
  "lost",
  /** It could not be reached; nothing was changed there. */
  "not reached",
  /** Anything else, before a trial began. */
  "failed",
] as const;
export type Outcome = (typeof outcomes)[number];

const at = z.iso.datetime();
const host = z.string();

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
  z.object({
    event: z.literal("end"),
    at,
    host,
    outcome: z.enum(outcomes),
    /** The toplevel that ran before; absent where it was not learnt. */
    before: z.string().optional(),
    /** The toplevel that runs now; absent where it was not learnt. */
    after: z.string().optional(),
    /** Why, where it did not end well. */
    because: z.string().optional(),
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
