import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../failure.ts";
import { checkAll } from "../health/check.ts";
import { type Observation, remote } from "../remote/scripts.ts";
import { renewServices } from "../secrets/credentials.ts";
import type { SshSession } from "../ssh/session.ts";
import type { Hooks, Release } from "./release.ts";

export interface FailedUnit {
  unit: string;
  /** Last lines of its journal. */
  journal: string;
}

export type TrialVerdict =
  | { healthy: true; bootId: string }
  | { healthy: false; because: string; units: readonly FailedUnit[] };

/** Exit codes of switch-to-configuration, for people; the state of the host decides. */
export function explainExitCode(code: number): string {
  switch (code) {
    case 1:
      return "a pre-switch check or the boot loader failed";
    case 2:
      return "an activation script failed";
    case 4:
      return "a unit failed or keeps restarting";
    case 100:
      return "nothing was activated: the init interface changed, a reboot is needed";
    default:
      return "it was killed or could not take its lock";
  }
}

/**
 * What a look at the host says about a trial, or undefined while it is still switching. Pure.
 * `earlier` is the look before the trial: units that had failed by then are not the release's fault.
 */
export function readTrial(
  now: Observation,
  earlier: Observation,
  toplevel: string,
): TrialVerdict | undefined {
  const { state, exitCode, log } = now.trial;
  const units = now.failed.filter(({ unit }) => !earlier.failed.some((known) => known.unit === unit));
  const unhealthy = (because: string): TrialVerdict => ({ healthy: false, because, units });
  if (state === "rolling-back" || state === "rolled-back")
    return unhealthy("the guard on the host rolled back before it was confirmed");
  if (now.bootId !== earlier.bootId) return unhealthy("the host rebooted during the trial");
  if (exitCode === null) return undefined;
  if (units.length > 0) return unhealthy(`these units failed: ${units.map(({ unit }) => unit).join(", ")}`);
  if (exitCode !== 0)
    return unhealthy(
      `switch-to-configuration ended with ${exitCode} (${explainExitCode(exitCode)})\n${log}`.trimEnd(),
    );
  if (now.current !== toplevel) return unhealthy(`/run/current-system is ${now.current}, not the release`);
  return { healthy: true, bootId: now.bootId };
}

/** A system on trial, as it is judged. */
export interface Trial {
  session: SshSession;
  id: string;
  wanted: Release;
  /** The look at the host before the trial. */
  earlier: Observation;
  /** When a switch that has not ended is not waited for any longer, in milliseconds since the epoch. */
  switchEnd: number;
  hooks: Hooks;
}

/** Wait for the switch to end, look at the host over a new connection, and ask the checks from outside. */
export async function judge(trial: Trial): Promise<TrialVerdict> {
  const { session, id, wanted, earlier, hooks } = trial;
  hooks.status("looking at it over a new connection");
  const seen = await awaitSwitch(trial);
  if (!seen.healthy) return seen;
  await renew(session, wanted, hooks);

  hooks.status("checking its health");
  const verdict = await checkHealth(session, wanted, hooks);
  const after = await remote(session, "observe", { id }, { deadline: 15_000, fresh: true }).catch(
    () => undefined,
  );
  const still = after && readTrial(after, earlier, wanted.toplevel);
  if (still?.healthy === false) return still;
  if (verdict.healthy)
    return (
      still ?? { healthy: false, because: "the host could not be asked again after its checks", units: [] }
    );
  return { healthy: false, because: verdict.because, units: [] };
}

async function awaitSwitch({ session, id, wanted, earlier, switchEnd, hooks }: Trial): Promise<TrialVerdict> {
  for (;;) {
    hooks.signal?.throwIfAborted();
    let trouble = "the switch has not ended";
    try {
      const now = await remote(session, "observe", { id }, { deadline: 15_000, fresh: true });
      const verdict = readTrial(now, earlier, wanted.toplevel);
      if (verdict) return verdict;
    } catch (error) {
      trouble = messageOf(error);
    }
    // Looked at before it is given up on: the last look may bring good news.
    if (Date.now() >= switchEnd) return { healthy: false, because: trouble, units: [] };
    await sleep(300, undefined, { signal: hooks.signal });
  }
}

/** Health of a system that is not on trial. */
export async function judgeRunning(session: SshSession, wanted: Release, hooks: Hooks) {
  await renew(session, wanted, hooks);
  hooks.status("checking its health");
  return checkHealth(session, wanted, hooks);
}

/** What runs with older credentials than those in place is judged with the new ones. */
async function renew(session: SshSession, { credentials }: Release, hooks: Hooks): Promise<void> {
  if (!credentials) return;
  hooks.status("restarting what uses changed secrets");
  await renewServices(session, credentials, { signal: hooks.signal });
}

function checkHealth(session: SshSession, wanted: Release, hooks: Hooks) {
  const addresses = new Set([session.target.address, wanted.ipv6Address ?? ""]);
  addresses.delete("");
  return checkAll(wanted.health, [...addresses], {
    deadline: wanted.healthDeadline * 1000,
    signal: hooks.signal,
    onSkip: hooks.status,
  });
}
