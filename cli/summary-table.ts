import { type HostResult, isDone } from "../deployer/runs/summary.ts";
import { table } from "./table.ts";

/** A store path for people: enough of its hash to tell it from another of its name. */
export const shortPath = (path: string | undefined): string =>
  path === undefined ? "?" : path.replace(/^\/nix\/store\/([0-9a-z]{6})[0-9a-z]*-/, "$1…-");

function release({ before, after }: HostResult): string {
  if (before === undefined && after === undefined) return "?";
  return before === after ? shortPath(after) : `${shortPath(before)} → ${shortPath(after)}`;
}

/** Every host with what happened to it, and one line that counts them. Pure. */
export function summaryTable(results: readonly HostResult[]): string {
  const rows = results.map((result) => [
    result.host,
    result.outcome,
    release(result),
    result.seconds?.toFixed(1) ?? "",
    (result.because ?? "").split("\n")[0] ?? "",
  ]);
  const done = results.filter(isDone).length;
  const count =
    done === results.length
      ? `All hosts run what is wanted: ${done}.`
      : `${done} of ${results.length} hosts run what is wanted; berth up goes on with the others.`;
  return `${table(["host", "what happened", "release", "seconds", "why"], rows)}\n${count}`;
}
