import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../failure.ts";
import { type Observation, remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import { isKept } from "./confirm.ts";
import type { TrialVerdict } from "./judge.ts";
import type { Hooks } from "./release.ts";

type Unhealthy = Extract<TrialVerdict, { healthy: false }>;

/** Seconds the guard may take for the way back before it reboots, and for the reboot. */
const wayBackSeconds = 300;

export interface WayBack {
  id: string;
  /** The system to return to, and the one on trial. */
  old: string;
  toplevel: string;
  /** The boot the trial was started in. */
  bootId: string;
  /** Seconds after which the guard rolls back unasked. */
  guardSeconds: number;
}

/** A new system was not kept. */
export class NotKept extends Failure {
  /** Whether the host was read back on the old one. */
  readonly back: boolean;
  /** The toplevel that ran before. */
  readonly old: string;

  constructor(
    parts: ConstructorParameters<typeof Failure>[0],
    { back, old }: { back: boolean; old: string },
  ) {
    super(parts);
    this.back = back;
    this.old = old;
  }
}

/**
 * Have the guard bring the old system back and read the host back over new connections, for as long as the guard may take if
 * it cannot be asked. Returns the error to throw: it says "Rolled back" only when the host was seen to run the old system. Where it was kept,
 * and only nobody heard of that, the look that found it so.
 */
export async function rollBack(
  session: SshSession,
  way: WayBack,
  verdict: Unhealthy,
  hooks: Hooks,
): Promise<NotKept | Observation> {
  hooks.status("rolling back");
  // What was multiplexed before may hang on a connection that the trial has cut.
  session.drop();
  const seen = await awaitReturn(session, way);
  if ("kept" in seen) return seen.kept;
  return new NotKept(
    {
      host: session.label,
      tried: "the new system did not become healthy",
      cameBack: describe(verdict),
      stands: stands(seen, way.old),
      next: seen.back
        ? "fix the release and run pulumi up again"
        : "look at the server's console; pulumi refresh reads the host again",
    },
    { back: seen.back, old: way.old },
  );
}

/** The verdict, and what failed with the end of its journal. */
export function describe({ because, units }: Unhealthy): string {
  return [because, ...units.map(({ unit, journal }) => `${unit}:\n${indent(journal)}`)].join("\n");
}

/** A new system is not healthy, and was kept, as it is not to be returned from. */
export const keptThough = (session: SshSession, toplevel: string, verdict: Unhealthy): Failure =>
  new Failure({
    host: session.label,
    tried: "the new system did not become healthy",
    cameBack: describe(verdict),
    stands: `It was kept (rollback: never): the host runs ${toplevel}, and boots it`,
    next: `mend the app and run pulumi up again, or go back by hand: berth rollback ${session.target.host}`,
  });

function stands(seen: Exclude<Return, { kept: Observation }>, old: string): string {
  if (!seen.back) {
    return `The way back is NOT confirmed: ${seen.because}. The host's guard reboots when it cannot return to ${old}`;
  }
  if (seen.how === "never left") return `The trial never started; the host was read back and runs ${old}`;
  return `Rolled back to ${old}${seen.how === "rebooted" ? " by a reboot" : ""}; the host was read back and runs it`;
}

type Return =
  | { back: true; how: "rolled back" | "rebooted" | "never left" }
  | { back: false; because: string }
  | { kept: Observation };

async function awaitReturn(
  session: SshSession,
  { id, old, toplevel, bootId, guardSeconds }: WayBack,
): Promise<Return> {
  const end = Date.now() + (guardSeconds + wayBackSeconds) * 1000;
  const fresh = { deadline: 20_000, fresh: true };
  let because = "it was not asked";
  while (Date.now() < end) {
    try {
      const now = await remote(session, "observe", { id }, fresh);
      if (hasReturned(now, old)) {
        const how =
          now.bootId !== bootId ? "rebooted" : now.trial.state === "none" ? "never left" : "rolled back";
        return { back: true, how };
      }
      if (isKept(now, toplevel)) return { kept: now };
      because = `it runs ${now.current}, the trial is ${now.trial.state}`;
      if (now.trial.state === "none") return { back: false, because };
      await remote(session, "abandon", { id, seconds: 10 }, fresh);
    } catch (error) {
      because = messageOf(error);
      await sleep(1_000);
    }
  }
  return { back: false, because };
}

/** The old system runs, and no trial is under way that could still change that. A reboot leaves no trial behind. */
const hasReturned = ({ current, trial }: Observation, old: string): boolean =>
  current === old && (trial.state === "rolled-back" || trial.state === "none");

const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
