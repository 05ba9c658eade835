import { messageOf } from "../failure.ts";
import { keptReleases } from "../nix/roots.ts";
import { type Observation, remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import { markOf } from "./hold.ts";
import type { Release } from "./release.ts";

/** How it stands with a system on trial after it was asked to keep it. */
export type Concluded =
  /** The look that was made first; not kept where that found anything amiss. */
  | { seen: Observation; kept?: boolean }
  /** Why it could not be kept. */
  | { refused: string };

interface OnTrial {
  session: SshSession;
  id: string;
  wanted: Pick<Release, "toplevel" | "keep" | "health" | "hold">;
}

/** Keep a system that was found healthy, said over the connection that the verdict was reached by. */
export async function confirm(trial: OnTrial): Promise<{ kept: true } | { refused: string }> {
  const outcome = await confirmOrAsk(trial, "").catch((error: unknown) => ({ refused: messageOf(error) }));
  return "refused" in outcome ? { refused: outcome.refused } : { kept: true };
}

/**
 * Have the host look at itself, and keep the system if it is on this boot and nothing is amiss. Throws where the host cannot be asked
 * whether it did.
 */
export async function confirmIfWell(trial: OnTrial, bootId: string): Promise<Concluded> {
  return await confirmOrAsk(trial, bootId);
}

/** An answer that was lost on its way is asked for again: the host knows whether it was confirmed. */
async function confirmOrAsk({ session, id, wanted }: OnTrial, boot: string): Promise<Concluded> {
  const { toplevel, keep = keptReleases, health } = wanted;
  const document = { id, toplevel, keep: keep === "all" ? "" : keep, text: markOf(wanted), boot };
  try {
    const answer = await remote(session, "confirm", document, {
      deadline: 120_000,
      rest: JSON.stringify(health),
    });
    return answer.ok ? answer : { refused: answer.because };
  } catch (error) {
    const seen = await remote(session, "observe", { id }, { deadline: 30_000, fresh: true }).catch(
      () => undefined,
    );
    if (seen && isKept(seen, toplevel)) return { seen, kept: true };
    throw error;
  }
}

/** A confirmation ends with nothing left of the trial. */
export const isKept = ({ trial, current, profile }: Observation, toplevel: string): boolean =>
  trial.state === "confirmed" || (trial.state === "none" && current === toplevel && profile === toplevel);
