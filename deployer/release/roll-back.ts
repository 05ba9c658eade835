import { Failure } from "../failure.ts";
import { remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import type { TrialVerdict } from "./judge.ts";
import type { Hooks } from "./release.ts";

/** Seconds the guard has for the way back; it reboots when it cannot. */
const rollBackSeconds = 90;

/**
 * Have the guard bring the old system back and read the host back over a new connection. Returns the error to throw:
 * it says "rolled back" only when the host was seen to run the old system.
 */
export async function rollBack(
  session: SshSession,
  id: string,
  old: string,
  verdict: Extract<TrialVerdict, { healthy: false }>,
  hooks: Hooks,
): Promise<Failure> {
  hooks.status("rolling back");
  const options = { deadline: (rollBackSeconds + 15) * 1000, fresh: true };
  const asked = await remote(session, "abandon", { id, seconds: rollBackSeconds }, options).catch(
    (error: Error) => ({
      ok: false as const,
      because: error.message,
    }),
  );
  session.drop();
  const now = await remote(session, "observe", { id }, { deadline: 30_000, fresh: true }).catch(
    () => undefined,
  );
  const units = verdict.units.map(({ unit, journal }) => `${unit}:\n${indent(journal)}`).join("\n");
  return new Failure({
    host: session.label,
    tried: "the new system did not become healthy",
    cameBack: units === "" ? verdict.because : `${verdict.because}\n${units}`,
    stands:
      now?.current === old
        ? `Rolled back to ${old}; the host was read back and runs it`
        : `The way back is not confirmed (${asked.ok ? `it runs ${now?.current ?? "nothing that answers"}` : asked.because}); its guard reboots into the boot default ${old} if it cannot return`,
    next: "fix the release and run pulumi up again",
  });
}

const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
