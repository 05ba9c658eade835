import { type Generation, releasesOf } from "../deployer/release/generations.ts";
import { isHeld, parseHold } from "../deployer/release/hold.ts";

/** A release that a host can return to, as `berth rollback --list --json` prints it. */
export interface Release {
  generation: number;
  /** ISO 8601. */
  keptAt: string;
  /** Of the system; null where it has none. */
  label: string | null;
  /** The toplevel. */
  release: string;
  runs: boolean;
  /** Starts with the next boot. */
  boots: boolean;
  /** Was rolled back by hand, and does not come again by itself. */
  held: boolean;
}

/** The releases of a host, newest first. Pure. */
export function releasesIn({
  generations,
  current,
  profile,
  held,
}: {
  generations: readonly Generation[];
  current: string | null;
  profile: string | null;
  held: string | null;
}): Release[] {
  const hold = parseHold(held);
  return releasesOf(generations).map(({ number, toplevel, at, label }) => ({
    generation: number,
    keptAt: new Date(at * 1000).toISOString(),
    label,
    release: toplevel,
    runs: toplevel === current,
    boots: toplevel === profile,
    held: isHeld(hold, toplevel, current),
  }));
}
