import { Failure } from "../failure.ts";
import { remote, type ScriptOptions } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import type { Trial } from "./judge.ts";
import type { Release } from "./release.ts";

/** Seconds, where a release does not say. */
const switchDeadline = 120;
/** Seconds the guard leaves for the verdict to arrive, beside switch and health. */
const verdictSeconds = 15;
/** Seconds that a host may take to import what is sent along; see trial.sh. */
const importSeconds = 15;

/** Seconds that a guard may take for its way back. */
const returnSeconds = 60;
/** Milliseconds for what is sent along to get there, and for the preparation that it waits for. */
const wayThere = 180_000;

/** A trial that was begun; or why only a boot will do. */
export type Begun =
  | (Pick<Trial, "ended" | "switchEnd"> & {
      /** Seconds after which the guard rolls back unasked. */
      guardSeconds: number;
    })
  | { bootOnly: string };

/** Have a host switch to what it has been brought, on trial, and wait for the end of that. */
export async function beginTrial(session: SshSession, id: string, wanted: Release): Promise<Begun> {
  const begun = await begin(session, id, wanted, 0, {});
  if (begun !== "not begun") return begun;
  throw new Error(`${session.label} has not begun a trial that nothing was sent with`);
}

/**
 * The same for a host that has just been asked to prepare itself, with all that it will lack: it imports that and switches as soon as it is
 * prepared, if that is what it lacks; otherwise nothing is switched.
 */
export const beginTrialAhead = (
  session: SshSession,
  id: string,
  wanted: Release,
  stream: Uint8Array,
): Promise<Begun | "not begun"> => begin(session, id, wanted, importSeconds, { stream, behind: true });

/** Seconds after which nothing is left of a trial that was sent along, whatever became of it: the guard has returned from it. */
export const longestTrial = (wanted: Release): number =>
  guardSecondsOf(wanted) + importSeconds + returnSeconds;

/** Seconds that a guard leaves a trial, from its beginning to its verdict. */
const guardSecondsOf = ({ healthDeadline, healthyFor = 0, ...wanted }: Release): number =>
  (wanted.switchDeadline ?? switchDeadline) + healthDeadline + healthyFor + verdictSeconds;

async function begin(
  session: SshSession,
  id: string,
  wanted: Release,
  before: number,
  options: Pick<ScriptOptions, "stream" | "behind">,
): Promise<Begun | "not begun"> {
  const switchSeconds = (wanted.switchDeadline ?? switchDeadline) + before;
  const guardSeconds = guardSecondsOf(wanted) + before;
  const { toplevel, reboot, rebootWith } = wanted;
  const sent = Date.now();
  const document = { id, toplevel, seconds: guardSeconds, ...(options.stream ? { text: "import" } : {}) };
  // A switch may cut this very connection; how the trial stands is then learnt by asking anew.
  const answer = await remote(session, "trial", document, {
    ...options,
    deadline: switchSeconds * 1000 + (options.behind ? wayThere : 0),
  }).catch(() => undefined);
  // When a switch began that waited for other things first, nobody here knows: the guard does.
  const switchEnd = (options.behind ? Date.now() : sent) + switchSeconds * 1000;
  if (answer && "begun" in answer) return "not begun";
  if (answer?.ok !== false) return { ended: answer, switchEnd, guardSeconds };
  if (answer.bootOnly && reboot) return { bootOnly: answer.because };
  throw new Failure({
    host: session.label,
    tried: `switch to ${toplevel} on trial`,
    cameBack: answer.because,
    stands: "The old system was not touched",
    next: answer.bootOnly
      ? (rebootWith ??
        "give this host reboot: { when: now } or a window, and run pulumi up again: it is then booted, on trial")
      : "mend that, then run pulumi up again",
  });
}
