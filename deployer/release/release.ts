import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { HealthCheck } from "../../config/manifest.ts";
import { Failure, messageOf } from "../failure.ts";
import { build } from "../nix/build.ts";
import type { Cache } from "../nix/cache.ts";
import { type Closure, closureBeside, exportAhead, importAhead } from "../nix/closure.ts";
import { keptReleases, rootNext, rootRelease, rootTrial } from "../nix/roots.ts";
import { type Observation, remote } from "../remote/scripts.ts";
import type { Learnt } from "../runs/learnt.ts";
import { type CredentialNames, pruneCredentials } from "../secrets/credentials.ts";
import type { SshSession } from "../ssh/session.ts";
import { bring, buildOnHost } from "./bring.ts";
import { confirm } from "./confirm.ts";
import { type Hold, isHeld, markOf, parseHold } from "./hold.ts";
import { judge, judgeRunning, lookAnew, type Trial, type TrialVerdict } from "./judge.ts";
import { type Running, rebootOnTrial } from "./reboot.ts";
import { keptThough, rollBack } from "./roll-back.ts";

/** A release: what shall run, and how to tell that it does. */
export interface Release {
  drvPath: string;
  /** The NixOS toplevel. */
  toplevel: string;
  /** The toplevel that the host is believed to run: what both have in common is then not asked for. @default every path is */
  runs?: string;
  /** Nix system the toplevel is for. */
  system: string;
  health: readonly HealthCheck[];
  /** Where the checks are asked beside the address of ssh; empty or absent when there is no second one. */
  ipv6Address?: string;
  /** Seconds the new system has to become healthy before it is rolled back. */
  healthDeadline: number;
  /** Seconds it has to stay healthy before it is kept. @default 0 */
  healthyFor?: number;
  /** A command line that root's shell runs on the host before the switch, and the seconds it may take. @default nothing */
  before?: { command: string; seconds: number };
  /** Whether it is returned from when it is not healthy; "never" holds as long as the host lets one in. @default "auto" */
  rollback?: "auto" | "never";
  /** Whether the host may be rebooted now where the release needs that. @default false */
  reboot?: boolean;
  /** What lets it be rebooted, for people. @default the stack's configuration and another update */
  rebootWith?: string;
  /** Seconds a reboot may take. @default 300 */
  bootDeadline?: number;
  /** Resets the machine from outside, where that can be done. */
  reset?: () => Promise<void>;
  /** Seconds the switch itself may take beside that. @default 120 */
  switchDeadline?: number;
  /** Credentials that its services expect, by service; they are in place already. @default none */
  credentials?: CredentialNames;
  /** Releases that stay, on the host and where it is deployed from, this one included. @default 5 */
  keep?: number;
  /** Whether the host builds its system itself. @default false */
  buildOnHost?: boolean;
  /** Caches that the host fetches from before it gets the rest from here. @default none */
  caches?: readonly Cache[];
  /** Folder of the links that keep this host's releases from being collected where it is deployed from. @default nothing is kept there */
  roots?: string;
  /** Whether the host has the system already: nothing is built, and nothing is copied. @default false */
  onHost?: boolean;
  /** What it takes the place of, if that shall not come again by itself. @default nothing */
  hold?: Hold;
  /** Who deploys, for the host's lock. */
  owner: string;
}

export interface Released {
  toplevel: string;
  /** What ran before; the same as `toplevel` when nothing was switched. */
  previous: string;
  /** Why the host was left as it is: the wanted release was rolled back there by hand. */
  held?: Hold;
  /** What only a reboot puts in force, e.g. "kernel". */
  rebootDue: readonly string[];
}

export interface Hooks {
  /** A short line about what happens now. */
  status: (line: string) => void;
  /** What somebody should know though the release goes on. */
  warn?: (line: string) => void;
  /** Who builds. @default one Nix for this release alone */
  build?: typeof build;
  /** Pushes what was built to the stack's caches. @default nothing is pushed */
  push?: (path: string) => Promise<void>;
  /** Wait until this host may be on trial; what it returns says that its trial is over, and may be called again. @default at once */
  turn?: () => Promise<() => void>;
  /** Told what is learnt on the way. @default nobody is */
  learnt?: Learnt;
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

  session.keepShell();
  const closure = await closureAtHand(session, wanted, hooks);
  hooks.learnt?.closure(closure);
  // A change of its server's type in the same update has left it booting.
  await session.ready(bootSeconds * 1_000, { signal: hooks.signal });

  hooks.status("preparing");
  const life = setInterval(() => void hold(session, id), (lockSeconds / 3) * 1000);
  let finished = false;
  let trialIsOver: (() => void) | undefined;
  try {
    const prepared = await prepare(session, id, { wanted, closure }, hooks);
    const { seen: earlier, ...missing } = prepared;
    let due: readonly string[] = earlier.pendingReboot;
    const held = parseHold(earlier.held);
    if (isHeld(held, wanted.toplevel, earlier.current))
      return { toplevel: earlier.current, previous: earlier.current, rebootDue: due, held };
    if (earlier.current === wanted.toplevel) {
      await settle(session, id, wanted, hooks);
    } else {
      warnOfTwoWaysBack(earlier, hooks);
      hooks.learnt?.lacks({ paths: missing.missing, bytes: missing.missingBytes });
      const lacking = (await prepared.imported)
        ? { count: 0, bytes: 0, few: [] }
        : {
            ...{ count: missing.missing, bytes: missing.missingBytes, few: missing.few },
            local: closure.paths.every(({ shared, local }) => shared || local),
          };
      await bring(session, { id, ...wanted }, lacking, hooks);
      trialIsOver = await hooks.turn?.();
      if (wanted.before) await runBefore(session, id, wanted.toplevel, wanted.before, hooks);
      // Meanwhile nothing else is to be done here.
      const rooting = rootBeside(wanted);
      const switched = await switchOnTrial(session, id, { wanted, earlier, hooks }).catch(async (error) => {
        await rooting.then((takeBack) => takeBack());
        throw error;
      });
      await rooting;
      finished = switched.kept;
      due = switched.rebootDue;
    }
    if (due.length > 0 && wanted.reboot) {
      trialIsOver ??= await hooks.turn?.();
      finished = false;
      due = await rebootOnTrial({ session, id, wanted, earlier, hooks }, due.join(", "));
    }
    trialIsOver?.();
    await keepRoots(wanted, hooks);
    await prune(session, wanted, hooks);
    return { toplevel: wanted.toplevel, previous: earlier.current, rebootDue: due };
  } finally {
    clearInterval(life);
    trialIsOver?.();
    if (!finished) await finish(session, id);
  }
}

/** A failed trial returns to what runs, a crash in it to what boots: where somebody has made these two, that is said. */
function warnOfTwoWaysBack({ current, profile }: Observation, hooks: Hooks): void {
  if (profile === null || profile === current) return;
  hooks.warn?.(
    `it runs ${current}, and its boot default is ${profile}: a release that fails returns to the first, a reboot to the second`,
  );
}

/**
 * Switch, judge, and keep or return. Not kept is only what cannot be switched to live and may be booted instead; everything else
 * that is not kept throws.
 */
async function switchOnTrial(
  session: SshSession,
  id: string,
  { wanted, earlier, hooks }: { wanted: Release; earlier: Running; hooks: Hooks },
): Promise<{ kept: boolean; rebootDue: readonly string[] }> {
  const switchSeconds = wanted.switchDeadline ?? switchDeadline;
  const guardSeconds = switchSeconds + wanted.healthDeadline + (wanted.healthyFor ?? 0) + verdictSeconds;
  hooks.status("switching on trial");
  const switchEnd = Date.now() + switchSeconds * 1000;
  const started = await startTrial(session, id, wanted, { guardSeconds, switchSeconds });
  if ("bootOnly" in started) return { kept: false, rebootDue: [started.bootOnly] };
  const verdict = await judge({ session, id, wanted, earlier, ended: started.ended, switchEnd, hooks }).catch(
    // Cancelled, or the way to the host is lost: a trial that nobody judges ends like a bad one.
    (error: unknown): TrialVerdict => ({ healthy: false, because: messageOf(error), units: [] }),
  );
  hooks.learnt?.judged(verdict);
  const way = { id, old: earlier.current, bootId: earlier.bootId, guardSeconds };
  if (!verdict.healthy) {
    const left = wanted.rollback === "never" && (await leaveIt(session, id, wanted, earlier));
    throw left ? keptThough(session, wanted.toplevel, verdict) : await rollBack(session, way, verdict, hooks);
  }

  if (!verdict.kept) {
    hooks.status("confirming");
    const confirmed = await confirm({ session, id, wanted });
    if ("refused" in confirmed)
      throw await rollBack(session, way, { healthy: false, because: confirmed.refused, units: [] }, hooks);
  }
  return { kept: true, rebootDue: verdict.seen.pendingReboot };
}

/** The closure of what shall run, built where it is not there yet. A failing build asks no host. */
async function closureAtHand(
  session: SshSession,
  wanted: Release,
  hooks: Hooks,
): Promise<Closure & { stream?: Uint8Array }> {
  if (wanted.onHost) return { paths: [] };
  if (wanted.buildOnHost) {
    await session.ready(bootSeconds * 1_000, { signal: hooks.signal });
    await buildOnHost(session, wanted, hooks);
    return { paths: [] };
  }
  if (existsSync(wanted.toplevel)) {
    // Nothing can fail here that a host should not have been asked for: the handshake goes on meanwhile. A host that is not there yet is
    // waited for afterwards, once.
    const opening = session.ready(1_000, { signal: hooks.signal }).catch(() => undefined);
    const closure = await closureBeside(wanted.toplevel, wanted.runs).catch(() => undefined);
    const ahead = closure && !wanted.caches?.length ? exportAhead(closure) : undefined;
    // Whoever asks for it again hears of a failure.
    const stream = await ahead?.catch(() => undefined);
    await opening;
    if (closure && stream) return { ...closure, stream };
    if (closure) return closure;
  }
  hooks.status("building");
  await (hooks.build ?? build)(
    session.target.host,
    { drvPath: wanted.drvPath, out: wanted.toplevel },
    { deadline: 3_600_000, onProgress: hooks.status, ...(hooks.signal ? { signal: hooks.signal } : {}) },
  );
  if (wanted.roots !== undefined) await rootNext(wanted.roots, wanted.toplevel);
  return await closureBeside(wanted.toplevel, wanted.runs);
}

/** A root that is needed if the trial is kept. Where it cannot be made, `keepRoots` tries again and tells why. */
const rootBeside = ({ roots, toplevel }: Release): Promise<() => Promise<void>> =>
  (roots === undefined ? Promise.reject() : rootTrial(roots, toplevel)).catch(() => async () => undefined);

/** What was released is not the collector's here, either. That it could not be rooted undoes no release. */
async function keepRoots({ roots, toplevel, keep = keptReleases }: Release, hooks: Hooks): Promise<void> {
  if (roots === undefined) return;
  await rootRelease(roots, toplevel, keep).catch((error: unknown) => hooks.warn?.(messageOf(error)));
}

async function prepare(
  session: SshSession,
  id: string,
  { wanted, closure }: { wanted: Release; closure: Closure & { stream?: Uint8Array } },
  hooks: Hooks,
) {
  const document = {
    id,
    owner: wanted.owner,
    toplevel: wanted.toplevel,
    system: wanted.system,
    seconds: lockSeconds,
    text: closure.beside ?? "",
  };
  const rest = closure.paths
    .map(({ path, bytes, shared }) => `${path} ${bytes}${shared ? " shared" : ""}\n`)
    .join("");
  const { stream } = closure;
  let imported: Promise<boolean> = Promise.resolve(false);
  const options = { deadline: 180_000, signal: hooks.signal };
  const answer = await remote(session, "prepare", document, {
    ...options,
    rest,
    // The host takes it only where it was prepared for just that; `copyMissing` is there for any other outcome.
    onSent: () => {
      if (stream) imported = importAhead(stream, id, session, options).catch(() => false);
    },
  });
  if (answer.ok) return { ...answer, imported };
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
  const adopted = await remote(
    session,
    "adopt",
    { id, toplevel: wanted.toplevel, text: markOf(wanted) },
    { deadline: 120_000, rest: JSON.stringify(wanted.health) },
  );
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

/** Returns how the switch ended when it did within its time and let the answer through; or why only a boot will do. */
async function startTrial(
  session: SshSession,
  id: string,
  { toplevel, reboot, rebootWith }: Release,
  { guardSeconds, switchSeconds }: { guardSeconds: number; switchSeconds: number },
): Promise<Pick<Trial, "ended"> | { bootOnly: string }> {
  // A switch may cut this very connection; how the trial stands is then learnt by asking anew.
  const answer = await remote(
    session,
    "trial",
    { id, toplevel, seconds: guardSeconds },
    { deadline: switchSeconds * 1000 },
  ).catch(() => undefined);
  if (answer?.ok !== false) return { ended: answer };
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

/** Only now: a system that was rolled back to would not start without the credentials that the new one has no use for. */
async function prune(session: SshSession, { credentials }: Release, { signal }: Hooks): Promise<void> {
  if (credentials) await pruneCredentials(session, credentials, { signal });
}

/** A missed sign of life is no reason to stop: the next one may get through. */
const hold = (session: SshSession, id: string) =>
  remote(session, "hold", { id, seconds: lockSeconds }, { deadline: 10_000 }).catch(() => undefined);

/** What goes before a switch. It may have changed what no way back undoes, so that nothing is said to stand. */
async function runBefore(
  session: SshSession,
  id: string,
  toplevel: string,
  { command, seconds }: { command: string; seconds: number },
  { status, signal }: Hooks,
): Promise<void> {
  status("running what goes before the switch");
  const answer = await remote(
    session,
    "before",
    { id, toplevel, seconds },
    { deadline: (seconds + 60) * 1000, rest: command, signal },
  );
  if (answer.ok) return;
  throw new Failure({
    host: session.label,
    tried: `run what goes before the switch (${command.trim().split("\n")[0]})`,
    cameBack: answer.because,
    stands: "Nothing was switched; what the command itself has changed stays",
    next: "mend it and run pulumi up again, which runs it again; /var/lib/berth/before.log on the host has all that it wrote",
  });
}

/** Keep a system that is not healthy, where it runs and lets one in over a new connection; whether that was so. */
async function leaveIt(session: SshSession, id: string, wanted: Release, earlier: Running): Promise<boolean> {
  const now = await lookAnew({ session, id }).catch(() => undefined);
  const runs = now?.current === wanted.toplevel && now.bootId === earlier.bootId;
  if (!runs || now.trial.state !== "pending" || now.trial.exitCode === null) return false;
  return !("refused" in (await confirm({ session, id, wanted })));
}

/** Give the lock back. A host that cannot be asked frees itself: the lock goes stale, the guard rolls back. */
async function finish(session: SshSession, id: string): Promise<void> {
  await remote(session, "finish", { id }, { deadline: 30_000 }).catch(() => undefined);
}
