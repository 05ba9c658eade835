import type { Judged } from "./marks.ts";

/** What the forge says of a pull request. */
export type PullState =
  | "open"
  /** Merged, closed, or gone. */
  | "over"
  /** Nobody could ask. */
  | "unknown";

export type SweepDecision =
  /** It is none of ours, or its time is not over. */
  | { do: "leave"; because: string }
  | { do: "destroy"; because: string }
  /** A person has to look. */
  | { do: "refuse"; because: string };

/** What a sweep does about a stack. Pure. */
export function decideSweep(judged: Judged, pull: PullState, now: Date): SweepDecision {
  if (!judged.ours)
    return judged.claims
      ? { do: "refuse", because: judged.because }
      : { do: "leave", because: "it is not short-lived" };
  const { until, pull: number } = judged.terms;
  if (Date.parse(until) <= now.getTime()) return { do: "destroy", because: `its time was over at ${until}` };
  if (pull === "over") return { do: "destroy", because: `pull request ${number} is not open any more` };
  const asked = pull === "unknown" ? "; whether its pull request is open could not be asked" : "";
  return { do: "leave", because: `it ends at ${until}${asked}` };
}
