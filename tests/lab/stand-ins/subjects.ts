import { join } from "node:path";
import { execPath } from "node:process";
import { checkout } from "../../../lab/setup/places.mjs";

/** A nixos-anywhere under test. */
export interface Subject {
  name: string;
  /** Program and first arguments. */
  command: readonly [string, ...string[]];
  isStandIn: boolean;
}

/** Why there is but the stand-in, as a skipped test says it. */
export const NO_REAL_ONE = "BERTH_NIXOS_ANYWHERE names no real nixos-anywhere";

const real = process.env.BERTH_NIXOS_ANYWHERE;

/** The lab's stand-in, which gives way to nobody here, and the real one that BERTH_NIXOS_ANYWHERE names, if it does. */
export const subjects: Subject[] = [
  {
    name: "the stand-in",
    command: [execPath, join(checkout, "lab/stand-ins/nixos-anywhere.ts")],
    isStandIn: true,
  },
  ...(real ? [{ name: "the real one", command: [real] as [string], isStandIn: false }] : []),
];

export const hasRealOne = Boolean(real);
