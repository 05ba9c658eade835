import { type LiveRun, liveRun, type SeenRun } from "./runs.ts";
import type { SeenHost } from "./watch-hosts.ts";

/** All that the page shows of a stack. */
export interface LivePage {
  stack: string;
  /** Seconds between two looks at a host. */
  every: number;
  /** Why the stack's state could not be read. */
  trouble: string | undefined;
  hosts: readonly SeenHost[];
  /** The newest update there is a record of, whether it runs or not. */
  newest: LiveRun | undefined;
  /** Those before it, newest first. */
  earlier: readonly LiveRun[];
}

/** Pure. */
export function livePage({
  runs,
  ...rest
}: Omit<LivePage, "newest" | "earlier"> & { runs: readonly SeenRun[] }): LivePage {
  const [newest, ...earlier] = runs.map(liveRun);
  return { ...rest, newest, earlier };
}

/** How many hosts are well, of those that anybody has looked at. */
export function countHosts(hosts: readonly SeenHost[]): { well: number; seen: number; all: number } {
  const seen = hosts.flatMap(({ seen }) => seen ?? []);
  return { well: seen.filter(({ status }) => status.well).length, seen: seen.length, all: hosts.length };
}
