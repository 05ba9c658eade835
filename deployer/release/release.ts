import { randomBytes } from "node:crypto";
import type { HealthCheck } from "../../config/manifest.ts";
import { Failure, messageOf } from "../failure.ts";
import { build } from "../nix/build.ts";
import { closureOf, copyClosure } from "../nix/closure.ts";
import { type Observation, remote } from "../remote/scripts.ts";
import { type CredentialNames, pruneCredentials } from "../secrets/credentials.ts";
import type { SshSession } from "../ssh/session.ts";
import { judge, judgeRunning, type TrialVerdict } from "./judge.ts";
import { rollBack } from "./roll-back.ts";

/** A release: what shall run, and how to tell that it does. */
export interface Release {
  drvPath: string;
  /** The NixOS toplevel. */
  toplevel: string;
  /** Nix system the toplevel is for. */
  system: string;
  health: readonly HealthCheck[];
  /** Where the checks are asked beside the address of ssh; empty or absent when there is no second one. */
  ipv6Address?: string;
  /** Seconds the new system has to become healthy before it is rolled back. */
  healthDeadline: number;
  /** Seconds the switch itself may take beside that. @default 120 */
  switchDeadline?: number;
  /** Credentials that its services expect, by service; they are in place already. @default none */
  credentials?: CredentialNames;
  /** Who deploys, for the host's lock. */
  owner: string;
}

export interface Released {
  toplevel: string;
  /** What ran before; the same as `toplevel` when nothing was switched. */
  previous: string;
}

export interface Hooks {
  /** A short line about what happens now. */
  status: (line: string) => void;
  signal?: AbortSignal;
}

/** Seconds, where a release does not say. */
const switchDeadline = 120;
/** Seconds the guard leaves for the verdict to arrive, beside switch and health. */
const verdictSeconds = 15;
/** Seconds a host has to be there, which may just have been switched on. */
const bootSeconds = 90;
/** Seconds after which the host's lock is anyone's when its holder no longer gives signs of life. */
const lockSeconds = 45;

/**
 * A release, commit-confirmed: the new system runs on trial under a guard on the host until it has been found healthy
 * from outside over a new connection; otherwise the host is back on the old one, or the error says that it is not.
 */
export async function release(session: SshSession, wanted: Release, hooks: Hooks): Promise<Released> {
  const id = `${Date.now().toString(36)}${randomBytes(3).toString("hex")}`;
  const switchSeconds = wanted.switchDeadline ?? switchDeadline;
  const guardSeconds = switchSeconds + wanted.healthDeadline + verdictSeconds;

  hooks.status("building");
  await build(
    session.target.host,
    { drvPath: wanted.drvPath, out: wanted.toplevel },
    { deadline: 3_600_000, ...hooks },
  );

  // A change of its server's type in the same update has left it booting.
  hooks.status("waiting for ssh");
  await session.waitUntilReachable(bootSeconds * 1_000, { signal: hooks.signal });

  hooks.status("preparing");
  const life = setInterval(() => void hold(session, id), (lockSeconds / 3) * 1000);
  try {
    const before = await prepare(session, id, wanted, hooks);
    if (before.current === wanted.toplevel) {
      await settle(session, id, wanted, hooks);
      await prune(session, wanted, hooks);
      return { toplevel: wanted.toplevel, previous: before.current };
    }
    hooks.status(`copying ${before.missing} paths (${megabytes(before.missingBytes)})`);
    await copyClosure(wanted.toplevel, session, { deadline: 1_800_000, signal: hooks.signal });

    hooks.status("switching on trial");
    const earlier = await observe(session, id);
    const switchEnd = Date.now() + switchSeconds * 1000;
    await startTrial(session, id, wanted.toplevel, { guardSeconds, switchSeconds });
    const verdict = await judge({ session, id, wanted, earlier, switchEnd, hooks }).catch(
      // Cancelled, or the way to the host is lost: a trial that nobody judges ends like a bad one.
      (error: unknown): TrialVerdict => ({ healthy: false, because: messageOf(error), units: [] }),
    );
    const way = { id, old: before.current, bootId: earlier.bootId, guardSeconds };
    if (!verdict.healthy) throw await rollBack(session, way, verdict, hooks);

    hooks.status("confirming");
    const kept = await confirm(session, id, wanted.toplevel);
    if (!kept.ok)
      throw await rollBack(session, way, { healthy: false, because: kept.because, units: [] }, hooks);
    await prune(session, wanted, hooks);
    return { toplevel: wanted.toplevel, previous: before.current };
  } finally {
    clearInterval(life);
    await finish(session, id);
  }
}

const observe = (session: SshSession, id: string): Promise<Observation> =>
  remote(session, "observe", { id }, { deadline: 30_000 });

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

async function prepare(session: SshSession, id: string, wanted: Release, hooks: Hooks) {
  const closure = await closureOf(wanted.toplevel);
  const document = {
    id,
    owner: wanted.owner,
    toplevel: wanted.toplevel,
    system: wanted.system,
    seconds: lockSeconds,
    path: closure.map(({ path, bytes }) => `${path} ${bytes}`),
  };
  const answer = await remote(session, "prepare", document, { deadline: 180_000, signal: hooks.signal });
  if (answer.ok) return answer;
  throw new Failure({
    host: session.label,
    tried: `deploy ${wanted.toplevel}`,
    cameBack: answer.because,
    stands: "Nothing was changed",
    next: "mend that, then run pulumi up again",
  });
}

/** The wanted system runs already: profile and boot default follow it, and it must be healthy. */
async function settle(session: SshSession, id: string, wanted: Release, hooks: Hooks): Promise<void> {
  const adopted = await remote(session, "adopt", { id, toplevel: wanted.toplevel }, { deadline: 120_000 });
  const verdict = adopted.ok
    ? await judgeRunning(session, wanted, hooks)
    : { healthy: false as const, because: adopted.because };
  if (verdict.healthy) return;
  throw new Failure({
    host: session.label,
    tried: `check ${wanted.toplevel}, which runs already`,
    cameBack: verdict.because,
    stands: "Nothing was switched, so there is nothing to roll back",
    next: "mend the app or its check and run pulumi up again",
  });
}

async function startTrial(
  session: SshSession,
  id: string,
  toplevel: string,
  { guardSeconds, switchSeconds }: { guardSeconds: number; switchSeconds: number },
): Promise<void> {
  // A switch may cut this very connection; how the trial stands is then learnt by asking anew.
  const answer = await remote(
    session,
    "trial",
    { id, toplevel, seconds: guardSeconds },
    { deadline: switchSeconds * 1000 },
  ).catch(() => undefined);
  if (answer?.ok === false) {
    throw new Failure({
      host: session.label,
      tried: `switch to ${toplevel} on trial`,
      cameBack: answer.because,
      stands: "The old system was not touched",
      next: "mend that, then run pulumi up again",
    });
  }
}

/** Only now: a system that was rolled back to would not start without the credentials that the new one has no use for. */
async function prune(session: SshSession, { credentials }: Release, { signal }: Hooks): Promise<void> {
  if (credentials) await pruneCredentials(session, credentials, { signal });
}

/** A missed sign of life is no reason to stop: the next one may get through. */
const hold = (session: SshSession, id: string) =>
  remote(session, "hold", { id, seconds: lockSeconds }, { deadline: 10_000 }).catch(() => undefined);

/** Keep the new system. An answer that was lost on its way is asked for again: the host knows whether it was confirmed. */
async function confirm(
  session: SshSession,
  id: string,
  toplevel: string,
): Promise<{ ok: true } | { ok: false; because: string }> {
  try {
    // Not the connection from before the switch, which the new system may have cut without a word.
    return await remote(session, "confirm", { id, toplevel }, { deadline: 120_000, fresh: true });
  } catch (error) {
    const now = await remote(session, "observe", { id }, { deadline: 30_000, fresh: true }).catch(
      () => undefined,
    );
    return now?.trial.state === "confirmed" ? { ok: true } : { ok: false, because: messageOf(error) };
  }
}

/** Give the lock back. A host that cannot be asked frees itself: the lock goes stale, the guard rolls back. */
async function finish(session: SshSession, id: string): Promise<void> {
  await remote(session, "finish", { id }, { deadline: 30_000 }).catch(() => undefined);
}
