import type { Problem } from "../problems.ts";
import type { Context } from "./context.ts";

/** What changes are found from. */
export type Situation = Pick<Context, "stack" | "config" | "running">;

/**
 * What a change of the configuration does to what runs, beyond an update that nobody notices:
 * `docs/changing-what-runs.md` has all of them.
 */
export type Change = {
  /** The host's name, or what else of the stack it is. */
  of: string;
  what: string;
} & (
  | { effect: "power cycle" }
  /** Every host gets another private address. */
  | { effect: "renumbering" }
  | { effect: "loss"; loses: string }
  | { effect: "refused"; problem: Problem }
);

/** Whether something is kept from being deleted: as it is wanted, and as it is at Hetzner until an update has changed it. */
export interface Guard {
  wanted: boolean;
  there: boolean;
}

export interface Loss {
  of: string;
  what: string;
  loses: string;
  /** Where the configuration says so. */
  path: string;
  guard: Guard;
}

/** A loss, or its refusal while what is lost is protected. */
export function loss({ of, what, loses, path, guard }: Loss): Change {
  const because = reasonToKeep(guard);
  return because === undefined
    ? { of, what, effect: "loss", loses }
    : refused(of, what, { path, message: `${what}, which loses ${loses}, and ${because}` });
}

/** Why something may not be lost, and how to want it; undefined where it may. */
function reasonToKeep({ wanted, there }: Guard): string | undefined {
  if (wanted)
    return "berth:protect is true: to lose it, set berth:protect to false, run pulumi up once, and then make this change (set it back after)";
  // The engine would replace it all the same, and Hetzner refuse in the middle of that.
  if (there)
    return "it is still protected: leave berth:protect at false, run pulumi up once without this change, and then make it";
  return undefined;
}

export const refused = (of: string, what: string, problem: Problem): Change => ({
  of,
  what,
  effect: "refused",
  problem,
});

export const refusedChange = ({ effect }: Change): boolean => effect === "refused";
