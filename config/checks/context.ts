import type { LocalBuilds } from "../builds.ts";
import type { Catalogue } from "../catalogue.ts";
import type { HostPlan } from "../plan.ts";
import type { Problem } from "../problems.ts";
import type { Running } from "../running.ts";
import type { StackConfig } from "../stack.ts";

/** A host of the stack with its system in the flake. */
export type MatchedHost = Pick<HostPlan, "name" | "settings" | "manifest">;

/** Everything the checks look at. */
export interface Context {
  stack: string;
  config: StackConfig;
  /** Hosts whose system the flake has. */
  hosts: readonly MatchedHost[];
  catalogue: Catalogue;
  /** What runs at Hetzner for this stack; null when nobody could ask. */
  running: Running | null;
  /** Names of servers that belong to somebody else. */
  takenNames: readonly string[];
  /** What can be built where pulumi runs; null when Nix does not tell. */
  localBuilds: LocalBuilds | null;
  /** Files that the configuration names and that are not there. */
  absentFiles: readonly string[];
  now: Date;
}

/** What a check found: problems stop the order, notes are told. */
export interface Findings {
  problems: Problem[];
  notes: string[];
}

export const hostPath = (host: string): string => `berth:hosts.${host}`;
/** The place in the flake, as people read it. */
export const manifestPath = (system: string): string => `berth.hosts.${system}`;
/** The name of a host's server at Hetzner, which is its first host name, too. */
export const serverName = (stack: string, host: string): string => `${stack}-${host}`;

/** What occurs more than once. */
export function repeated<T>(items: readonly T[]): T[] {
  return [...new Set(items.filter((item, index) => items.indexOf(item) !== index))];
}
