import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../failure.ts";
import { type Answer, type Observation, remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import { markOf } from "./hold.ts";
import { examine, lookAnew, readBoot, secondLookSeconds, type TrialVerdict } from "./judge.ts";
import type { Hooks, Release } from "./release.ts";
import { describe, keptThough } from "./roll-back.ts";

/** A look at a host that runs NixOS. */
export type Running = Observation & { current: string };

/** A reboot into a release, as it is judged. */
export interface RebootTrial {
  session: SshSession;
  id: string;
  wanted: Release;
  /** The look at the host before the release. */
  earlier: Running;
  hooks: Hooks;
}

/** Seconds, where a release does not say. */
const bootDeadline = 300;
/** Seconds that the guard at boot leaves for the verdict to arrive. */
const verdictSeconds = 60;

/**
 * Boot the wanted system once, while the boot default is one that is known to boot; keep it when it is healthy from outside,
 * otherwise return by another reboot. A boot that nobody confirms ends the same way by the guard on the host. Returns what is still
 * due, which is nothing; throws a Failure that says where the host stands.
 */
export async function rebootOnTrial(trial: RebootTrial, why: string): Promise<readonly string[]> {
  const { session, wanted, hooks } = trial;
  hooks.status(`rebooting on trial (${why})`);
  const { fallback, bootId } = await order(trial);

  const verdict = await judgeBoot(trial, bootId).catch(
    (error: unknown): TrialVerdict => ({ healthy: false, because: messageOf(error), units: [] }),
  );
  hooks.learnt?.judged(verdict);
  if (!verdict.healthy && !(wanted.rollback === "never" && (await isUp(trial, bootId))))
    throw await goBack(trial, fallback, verdict);

  hooks.status("keeping it as the boot default");
  const kept = await keep(trial);
  if (!kept.ok) throw await goBack(trial, fallback, { healthy: false, because: kept.because, units: [] });
  if (!verdict.healthy) throw keptThough(session, wanted.toplevel, verdict);
  return [];
}

/** Times that a host is asked again whose answer was lost. */
const attempts = 3;

/** An answer that is lost on its way is asked for again: the host tells the same once more. */
async function keep({ session, id, wanted }: RebootTrial): Promise<Answer<"reboot-keep">> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await remote(
        session,
        "reboot-keep",
        { id, toplevel: wanted.toplevel, text: markOf(wanted) },
        { deadline: 130_000, rest: JSON.stringify(wanted.health) },
      );
    } catch (error) {
      if (attempt === attempts) return { ok: false, because: messageOf(error) };
      await sleep(1_000);
      await session.renew(10_000).catch(() => undefined);
    }
  }
}

/** Whether the wanted system has booted and lets one in. */
async function isUp(trial: RebootTrial, bootId: string): Promise<boolean> {
  const now = await lookAnew(trial).catch(() => undefined);
  return now !== undefined && now.bootId !== bootId && now.booted === trial.wanted.toplevel;
}

/**
 * Have the host reboot into the wanted system. That is not cancelled half-way, and an answer that is lost may have been given: then the
 * fallback is not known here, and whether it has rebooted is for the judgement.
 */
async function order({
  session,
  id,
  wanted,
  earlier,
  hooks,
}: RebootTrial): Promise<{ fallback: string | undefined; bootId: string }> {
  hooks.signal?.throwIfAborted();
  const { bootId } = await remote(session, "observe", { id }, { deadline: 30_000 });
  const seconds =
    (wanted.bootDeadline ?? bootDeadline) +
    wanted.healthDeadline +
    (wanted.healthyFor ? wanted.healthyFor + secondLookSeconds(wanted.health) : 0) +
    verdictSeconds;
  const before = earlier.current === wanted.toplevel ? "" : earlier.current;
  const answer = await remote(
    session,
    "reboot",
    { id, owner: wanted.owner, toplevel: wanted.toplevel, text: before, seconds },
    { deadline: 180_000 },
  ).catch(() => undefined);
  if (answer === undefined) return { fallback: undefined, bootId };
  if (answer.ok) return { fallback: answer.fallback, bootId };
  throw new Failure({
    host: session.label,
    tried: `boot ${wanted.toplevel} on trial`,
    cameBack: answer.because,
    stands: `It was not rebooted and runs ${earlier.current === wanted.toplevel ? wanted.toplevel : earlier.current}`,
    next: "mend that, then run pulumi up again",
  });
}

async function judgeBoot(trial: RebootTrial, bootId: string): Promise<TrialVerdict> {
  const { session, wanted, earlier, hooks } = trial;
  const seconds = wanted.bootDeadline ?? bootDeadline;
  hooks.status("waiting for the boot");
  session.drop();
  const up = await awaitBoot(trial, bootId, seconds, (now) => readBoot(now, earlier, wanted.toplevel));
  if (!("verdict" in up)) {
    const because = `it has not come up within ${seconds} s of its reboot: ${up.because}`;
    return { healthy: false, because, units: [] };
  }
  if (!up.verdict.healthy) return up.verdict;
  return await examine(trial, (now) => readBoot(now, earlier, wanted.toplevel));
}

/** Wait for another boot than `bootId`, until it can be judged. */
async function awaitBoot<T>(
  trial: Pick<RebootTrial, "session" | "id" | "hooks">,
  bootId: string,
  seconds: number,
  read: (now: Observation) => T | undefined,
): Promise<{ verdict: T } | { because: string }> {
  const end = Date.now() + seconds * 1000;
  let because = "it was not asked";
  while (Date.now() < end) {
    trial.hooks.signal?.throwIfAborted();
    try {
      const now = await lookAnew(trial);
      const verdict = now.bootId === bootId ? undefined : read(now);
      if (verdict !== undefined) return { verdict };
      because = now.bootId === bootId ? "it has not rebooted yet" : `systemd says that it is ${now.state}`;
    } catch (error) {
      because = messageOf(error);
    }
    await sleep(1_000);
  }
  return { because };
}

/** Seconds that a machine may take on its way back. */
const returnSeconds = 300;

/** Bring the fallback back, by a reset from outside where nothing else answers, and read it back. Returns the error to throw. */
async function goBack(
  trial: RebootTrial,
  believed: string | undefined,
  verdict: Extract<TrialVerdict, { healthy: false }>,
): Promise<Failure> {
  const { session, id, wanted, hooks } = trial;
  hooks.status(`returning to ${believed ?? "what was booted"}`);
  const patient = { session, id, hooks: { ...hooks, signal: undefined } };
  const asked = await askBack(patient);
  if (asked?.ok === false) return await decidedBefore(trial, verdict, asked.because);
  const fallback = asked?.fallback ?? believed ?? trial.earlier.booted ?? trial.earlier.current;
  let wasReset = false;
  if (!asked && wanted.reset) {
    hooks.status("it does not answer: resetting the machine");
    wasReset = await wanted.reset().then(
      () => true,
      (error: unknown) => {
        hooks.warn?.(`the machine could not be reset: ${messageOf(error)}`);
        return false;
      },
    );
  }
  const back = await awaitBoot(patient, "", returnSeconds, (now) =>
    now.booted === wanted.toplevel ? undefined : now,
  );
  const settled =
    asked?.rebooting === false ||
    ("verdict" in back &&
      (await remote(session, "reboot-return", { id }, { deadline: 130_000 })
        .then((answer) => answer.ok)
        .catch(() => false)));
  const returned = "verdict" in back && back.verdict.current === fallback;
  return new Failure({
    host: session.label,
    tried: `boot ${wanted.toplevel} on trial`,
    cameBack: describe(verdict),
    stands: returned
      ? `Rebooted into ${fallback}${wasReset ? " by a reset from outside" : ""}; the host was read back and runs it${settled ? "" : ", though its profile still names the other"}`
      : `The way back is NOT confirmed: ${"verdict" in back ? `it runs ${back.verdict.current}` : back.because}. Its boot default is ${fallback}, so a reset brings that back`,
    next: returned
      ? "fix the release and run pulumi up again"
      : "reset the machine or look at its console; pulumi refresh reads the host again",
  });
}

/** A host that does not go back, as nothing is on trial there any more, or its boot loader cannot be written: it is read, and not waited for. */
async function decidedBefore(
  { session, id, wanted }: RebootTrial,
  verdict: Extract<TrialVerdict, { healthy: false }>,
  because: string,
): Promise<Failure> {
  const now = await lookAnew({ session, id }).catch(() => undefined);
  const runs = now
    ? `it runs ${now.current}, and its profile is ${now.profile}`
    : "it could not be read back";
  return new Failure({
    host: session.label,
    tried: `boot ${wanted.toplevel} on trial`,
    cameBack: describe(verdict),
    stands: `The host does not go back (${because}); ${runs}`,
    next: "pulumi refresh reads the host again; then run pulumi up",
  });
}

/** Ask the host to go back; undefined when it does not answer, and its own guard may have to do it. */
async function askBack({
  session,
  id,
}: Pick<RebootTrial, "session" | "id">): Promise<Answer<"reboot-return"> | undefined> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      await session.renew(10_000);
      const answer = await remote(session, "reboot-return", { id }, { deadline: 130_000 });
      session.drop();
      return answer;
    } catch {
      await sleep(1_000);
    }
  }
  return undefined;
}
