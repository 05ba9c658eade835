import { z } from "zod";
import { jsonOrUndefined } from "../json.ts";

const hold = z.object({
  /** The toplevel that is not wanted on the host for now. */
  toplevel: z.string(),
  /** When that was said, in ISO 8601. */
  since: z.string(),
  /** Who said so. */
  by: z.string(),
  why: z.string().optional(),
});
/** A release that was rolled back by hand: it does not come again by itself. The host keeps it in `/var/lib/berth/held`. */
export type Hold = z.infer<typeof hold>;

/** What the host keeps of it. What does not parse holds nothing. */
export function parseHold(text: string | null | undefined): Hold | undefined {
  const parsed = hold.safeParse(jsonOrUndefined(text ?? ""));
  return parsed.success ? parsed.data : undefined;
}

/**
 * Whether a host stays as it is although `wanted` is wanted: that is the very release it was rolled back from, and it runs another one.
 * A newer release, and one that runs already, are held by nothing.
 */
export const isHeld = (held: Hold | undefined, wanted: string, current: string | null): held is Hold =>
  held !== undefined && held.toplevel === wanted && current !== wanted;

/** What the host is to keep with a release; empty where that holds nothing back. */
export const markOf = ({ hold }: { hold?: Hold | undefined }): string => (hold ? JSON.stringify(hold) : "");

/** For people. */
export const describeHold = ({ since, by, why }: Hold): string =>
  `rolled back by hand by ${by} at ${since}${why === undefined ? "" : ` (${why})`}`;

/** What an update does about it, for people. */
export const foreseeHold = (
  held: Hold,
  { host, runs, wanted }: { host: string; runs: string; wanted: string },
): string =>
  wanted === held.toplevel
    ? `${describeHold(held)}: it stays on ${runs}; berth unhold ${host} has the next update return it to ${wanted}`
    : `${describeHold(held)}: this update ends that and takes it from ${runs} to ${wanted}`;
