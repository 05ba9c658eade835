import { Failure } from "../failure.ts";
import { remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import { secondLookSeconds, type Trial } from "./judge.ts";
import type { Release } from "./release.ts";

/** Seconds, where a release does not say. */
const switchDeadline = 120;
/** Seconds the guard leaves for the verdict to arrive, beside switch and health. */
const verdictSeconds = 15;
/** Seconds that a host may take to import what is sent along; see prepare.sh. */
const importSeconds = 15;

/** Seconds that a guard may take for its way back. */
const returnSeconds = 60;
/** Milliseconds for a preparation, and for so many bytes to get there by an uplink of 64 kbit/s. */
export const wayThere = (bytes: number): number => 180_000 + bytes / 8;

/** A trial that was begun; or why only a boot will do. */
export type Begun =
  | (Pick<Trial, "ended" | "switchEnd"> & {
      /** Seconds after which the guard rolls back unasked. */
      guardSeconds: number;
    })
  | { bootOnly: string };

/** Have a host switch to what it has been brought, on trial, and wait for the end of that. */
export async function beginTrial(session: SshSession, id: string, wanted: Release): Promise<Begun> {
  const begun = await begin(session, id, wanted);
  if (begun !== "not begun") return begun;
  throw new Error(`${session.label} has not begun a trial that it was not armed for`);
}

/**
 * The same for a host that has just been asked to prepare itself, with all that it will lack: it switches as soon as it is armed, if that is
 * what it lacked; otherwise nothing is switched.
 * @param bytes of that
 */
export const beginTrialAhead = (
  session: SshSession,
  id: string,
  wanted: Release,
  bytes: number,
): Promise<Begun | "not begun"> => begin(session, id, wanted, bytes);

/** Seconds after which nothing is left of a trial that was sent along, whatever became of it: the guard has returned from it. */
export const longestTrial = (wanted: Release): number => guardSecondsAhead(wanted) + returnSeconds;

/** Seconds that the guard leaves a trial that is sent along: it is armed before the host has imported what came with it. */
export const guardSecondsAhead = (wanted: Release): number => guardSecondsOf(wanted) + importSeconds;

/** Seconds that a guard leaves a trial, from its beginning to its verdict. */
const guardSecondsOf = ({ healthDeadline, healthyFor = 0, ...wanted }: Release): number =>
  (wanted.switchDeadline ?? switchDeadline) +
  healthDeadline +
  (healthyFor && healthyFor + secondLookSeconds(wanted.health)) +
  verdictSeconds;

async function begin(
  session: SshSession,
  id: string,
  wanted: Release,
  bytesAhead?: number,
): Promise<Begun | "not begun"> {
  const ahead = bytesAhead !== undefined;
  const switchSeconds = wanted.switchDeadline ?? switchDeadline;
  const guardSeconds = ahead ? guardSecondsAhead(wanted) : guardSecondsOf(wanted);
  const { toplevel, reboot, rebootWith } = wanted;
  const sent = Date.now();
  const document = { id, toplevel, ...(ahead ? { text: "armed" } : { seconds: guardSeconds }) };
  // A switch may cut this very connection; how the trial stands is then learnt by asking anew.
  const answer = await remote(session, "trial", document, {
    ...{ leave: !ahead, behind: ahead },
    deadline: switchSeconds * 1000 + (ahead ? wayThere(bytesAhead) : 0),
  }).catch(() => undefined);
  // When a switch began that waited for other things first, nobody here knows: the guard does.
  const switchEnd = (ahead ? Date.now() : sent) + switchSeconds * 1000;
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
