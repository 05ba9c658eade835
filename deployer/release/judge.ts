import { setTimeout as sleep } from "node:timers/promises";
import type { HealthCheck } from "../../config/manifest.ts";
import { messageOf } from "../failure.ts";
import { asksTheHost, attemptSeconds, checkInside, checkOutside } from "../health/check.ts";
import { type Observation, remote } from "../remote/scripts.ts";
import { renewServices } from "../secrets/credentials.ts";
import type { SshSession } from "../ssh/session.ts";
import { type Concluded, confirmIfWell } from "./confirm.ts";
import type { Hooks, Release } from "./release.ts";

export interface FailedUnit {
  unit: string;
  /** Last lines of its journal. */
  journal: string;
}

export type TrialVerdict =
  | {
      healthy: true;
      /** The look that found it so. */
      seen: Observation;
      /** Whether it has been confirmed with that look. @default false */
      kept?: boolean;
    }
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
  return { healthy: true, seen: now };
}

/**
 * What a look at the host says about a boot on trial, or undefined while systemd is not done with it. Pure.
 * `earlier` is the look before the reboot: units that had failed by then are not the boot's fault.
 */
export function readBoot(now: Observation, earlier: Observation, toplevel: string): TrialVerdict | undefined {
  const units = now.failed.filter(({ unit }) => !earlier.failed.some((known) => known.unit === unit));
  const unhealthy = (because: string): TrialVerdict => ({ healthy: false, because, units });
  if (now.booted !== toplevel)
    return unhealthy(`it came up with ${now.booted} instead: the new system did not boot`);
  if (units.length > 0) return unhealthy(`these units failed: ${units.map(({ unit }) => unit).join(", ")}`);
  if (["", "initializing", "starting"].includes(now.state)) return undefined;
  if (now.current !== toplevel) return unhealthy(`/run/current-system is ${now.current}, not the release`);
  return { healthy: true, seen: now };
}

/**
 * Units that systemd restarted by itself between two looks: they crash, though they run whenever one looks. Pure.
 * `earlier` is the look before the release: what had failed or waited for its next start by then is not the release's fault.
 */
export const restartedBetween = (
  before: Observation,
  after: Observation,
  earlier: Pick<Observation, "failed">,
): string[] =>
  Object.keys(after.restarts).filter(
    (unit) =>
      (after.restarts[unit] ?? 0) > (before.restarts[unit] ?? 0) &&
      !earlier.failed.some((known) => known.unit === unit),
  );

/** A system on trial, as it is judged. */
export interface Trial {
  session: SshSession;
  id: string;
  wanted: Release;
  /** The look at the host before the trial. */
  earlier: Observation;
  /** What was told at the end of the switch, over the connection from before it: that it ended well, or a look; undefined when that never came. */
  ended: { well: boolean; seen?: Observation | undefined } | undefined;
  /** When a switch that has not ended is not waited for any longer, in milliseconds since the epoch. */
  switchEnd: number;
  hooks: Hooks;
}

/**
 * Wait for the switch to end, ask the checks from outside, and last of all look at the host over a new connection, which stays the
 * shared one: what is said afterwards is said over a way in that the new system has.
 */
export async function judge(trial: Trial): Promise<TrialVerdict> {
  const { session, wanted, earlier, ended, hooks } = trial;
  // What it is now is looked at below; here it counts that nothing is waited for in vain.
  if (!ended?.well) {
    const seen = ended?.seen && readTrial(ended.seen, earlier, wanted.toplevel);
    const switched = seen ?? (await awaitSwitch(trial));
    if (!switched.healthy) return switched;
  }
  await renew(session, wanted, hooks);
  const read: ReadLook = (now) => readTrial(now, earlier, wanted.toplevel);
  if ((wanted.healthyFor ?? 0) > 0) return await examine(trial, read);
  // What the host knows of itself it may decide by: nothing is asked of it afterwards.
  const conclude = (): Promise<Concluded> => {
    hooks.status("confirming");
    return confirmIfWell(trial, earlier.bootId);
  };
  return await examine({ ...trial, briefly: true, conclude }, read);
}

/** What is asked of a system on trial, however it came to run. */
export interface Examined extends Pick<Trial, "session" | "id" | "wanted" | "earlier" | "hooks"> {
  /** Nobody asks what systemd restarted, nor whether it is done with the boot. @default false */
  briefly?: boolean;
  /** The last look of all, which keeps the system where nothing is amiss. @default a look that does nothing */
  conclude?: () => Promise<Concluded>;
}
/** What a look at the host says; undefined while it cannot be told. */
export type ReadLook = (now: Observation) => TrialVerdict | undefined;

/** The checks, and a look at the host over a new connection; once more after the time that it has to stay healthy. */
export async function examine(trial: Examined, read: ReadLook): Promise<TrialVerdict> {
  const { wanted, hooks } = trial;
  const verdict = await examineOnce(trial, read, healthEnd(wanted));
  const seconds = wanted.healthyFor ?? 0;
  if (!verdict.healthy || seconds === 0) return verdict;
  hooks.status(`healthy; it has to stay so for ${seconds} s`);
  await sleep(seconds * 1000, undefined, { signal: hooks.signal });
  const still = await examineOnce(trial, read, Date.now() + secondLookSeconds(wanted.health) * 1_000);
  if (!still.healthy) return still;
  const restarted = restartedBetween(verdict.seen, still.seen, trial.earlier);
  if (restarted.length === 0) return still;
  return {
    healthy: false,
    because: `it did not stay healthy for ${seconds} s: systemd had to restart ${restarted.join(", ")}`,
    units: await journalsOf(trial.session, restarted),
  };
}

/** The last words of units that run again, which no look tells; a host that does not answer any more has none. */
const journalsOf = (session: SshSession, units: readonly string[]): Promise<FailedUnit[]> =>
  Promise.all(
    units.map(async (unit) => {
      const told = await remote(session, "journal", { text: unit }, { deadline: 15_000 }).catch(
        () => undefined,
      );
      return { unit, journal: told?.journal ?? "" };
    }),
  );

/** Milliseconds that checks may take for a connection which was opened beside them to count as opened after them. */
const promptly = 1_000;

/** Seconds for the checks of a system that was healthy a moment ago: enough to ask each of them once. */
export const secondLookSeconds = (checks: readonly HealthCheck[]): number =>
  checks.reduce((sum, check) => sum + attemptSeconds(check), 0);

async function examineOnce(trial: Examined, read: ReadLook, end: number): Promise<TrialVerdict> {
  const { session, wanted, hooks } = trial;
  hooks.status("checking its health");
  const started = Date.now();
  // The way in is tried meanwhile. Where the checks have taken long, that says nothing about now.
  const opening = session.renew(15_000).then(
    () => true,
    () => false,
  );
  const outside = await checkHealth(session, wanted, hooks, end);
  const prompt = Date.now() - started < promptly;

  hooks.status("looking at it over a new connection");
  const unhealthy = (because: string): TrialVerdict => ({ healthy: false, because, units: [] });
  const verdictOf = async (asking: Promise<Concluded>): Promise<TrialVerdict> => {
    const after = await asking.catch(messageOf);
    if (typeof after === "string")
      return unhealthy(
        outside.healthy ? `the host could not be asked again after its checks: ${after}` : outside.because,
      );
    if ("refused" in after) return unhealthy(after.refused);
    if (after.kept) return { healthy: true, seen: after.seen, kept: true };
    const still = read(after.seen);
    if (still?.healthy === false) return still;
    if (!outside.healthy) return unhealthy(outside.because);
    return still ?? unhealthy("the host could not be asked again after its checks");
  };
  const lookNow = async (): Promise<Concluded> => ({ seen: await look(trial) });
  const lastLook = trial.conclude ?? lookNow;
  const hostAnswers = asksTheHost(wanted.health);
  const renewed = async (): Promise<Concluded> => {
    if (!((await opening) && prompt)) await session.renew(15_000);
    return await (outside.healthy && !hostAnswers ? lastLook() : lookNow());
  };
  const verdict = await verdictOf(renewed());
  if (!verdict.healthy || !hostAnswers) return verdict;
  const inside = await checkOnHost(session, wanted, hooks, end);
  // Checks may take long, and whatever has happened meanwhile counts.
  return inside.healthy ? await verdictOf(lastLook()) : unhealthy(inside.because);
}

type Looked = Pick<Examined, "session" | "id" | "briefly">;

/** A look over a connection of its own, which becomes the shared one. */
export async function lookAnew(looked: Looked): Promise<Observation> {
  await looked.session.renew(15_000);
  return await look(looked);
}

const look = ({ session, id, briefly = false }: Looked): Promise<Observation> =>
  remote(session, "observe", { id, text: briefly ? "briefly" : "" }, { deadline: 15_000 });

/** Milliseconds after which a host that knows of no trial will not begin one: what asked for it did not get there. */
const beginDeadline = 20_000;

async function awaitSwitch(trial: Trial): Promise<TrialVerdict> {
  const { earlier, wanted, switchEnd, hooks } = trial;
  const since = Date.now();
  for (;;) {
    hooks.signal?.throwIfAborted();
    let trouble = "the switch has not ended";
    try {
      const now = await lookAnew(trial);
      const verdict = readTrial(now, earlier, wanted.toplevel);
      if (verdict) return verdict;
      if (now.trial.state === "none" && Date.now() - since > beginDeadline)
        return { healthy: false, because: "the connection broke before the switch had begun", units: [] };
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
  const end = healthEnd(wanted);
  const outside = await checkHealth(session, wanted, hooks, end);
  return outside.healthy ? await checkOnHost(session, wanted, hooks, end) : outside;
}

/** What runs with older credentials than those in place is judged with the new ones. */
async function renew(session: SshSession, { credentials }: Release, hooks: Hooks): Promise<void> {
  if (!credentials) return;
  hooks.status("restarting what uses changed secrets");
  await renewServices(session, credentials, { signal: hooks.signal });
}

/** What can be asked from outside, at every address. */
function checkHealth(session: SshSession, wanted: Release, hooks: Hooks, end: number) {
  const addresses = new Set([session.target.address, wanted.ipv6Address ?? ""]);
  addresses.delete("");
  return checkOutside(wanted.health, [...addresses], {
    deadline: left(end),
    signal: hooks.signal,
    onNote: hooks.warn ?? hooks.status,
    onLook: hooks.learnt?.look,
  });
}

const checkOnHost = (session: SshSession, wanted: Release, hooks: Hooks, end: number) =>
  checkInside(wanted.health, session, {
    deadline: left(end),
    signal: hooks.signal,
    onLook: hooks.learnt?.look,
  });

const healthEnd = (wanted: Release): number => Date.now() + wanted.healthDeadline * 1000;

/** Milliseconds until then; what is asked last has a moment, too. */
const left = (end: number): number => Math.max(1_000, end - Date.now());
