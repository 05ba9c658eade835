import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { HealthCheck } from "../../config/manifest.ts";
import { Failure, messageOf } from "../failure.ts";
import { build } from "../nix/build.ts";
import type { Cache } from "../nix/cache.ts";
import { type Closure, closureBeside, exportAhead, type Missing } from "../nix/closure.ts";
import { keptReleases, rootNext, rootRelease, rootTrial } from "../nix/roots.ts";
import { type Answer, type Observation, remote } from "../remote/scripts.ts";
import type { Learnt } from "../runs/learnt.ts";
import { type CredentialNames, pruneCredentials } from "../secrets/credentials.ts";
import type { SshSession } from "../ssh/session.ts";
import { bring, buildOnHost } from "./bring.ts";
import { confirm } from "./confirm.ts";
import { type Hold, isHeld, markOf, parseHold } from "./hold.ts";
import { judge, judgeRunning, lookAnew, type TrialVerdict } from "./judge.ts";
import { type Running, rebootOnTrial } from "./reboot.ts";
import { keptThough, NotKept, rollBack } from "./roll-back.ts";
import {
  type Begun,
  beginTrial,
  beginTrialAhead,
  guardSecondsAhead,
  longestTrial,
  wayThere,
} from "./trial.ts";

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
  keep?: number | "all";
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
  /** Whether it comes though it was rolled back from by hand. @default false: the host is left as it is */
  thoughHeld?: boolean;
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
  /** The same where that is at once; undefined where it is not. @default at once where there is no `turn` either */
  turnAtOnce?: () => (() => void) | undefined;
  /** Told what is learnt on the way. @default nobody is */
  learnt?: Learnt;
  signal?: AbortSignal;
}

/** Seconds a host has to be there, which may just have been switched on. */
const bootSeconds = 90;
/** Seconds for which a host is asked to give the lock back that holds nothing but that. */
const finishSeconds = 10;
/** Seconds after which the host's lock is anyone's when its holder no longer gives signs of life. */
const lockSeconds = 45;

/**
 * A release, commit-confirmed: the new system runs on trial under a guard on the host until it has been found healthy
 * from outside over a new connection; otherwise the host is back on the old one, or the error says that it is not.
 */
export async function release(session: SshSession, wanted: Release, hooks: Hooks): Promise<Released> {
  const id = `${Date.now().toString(36)}${randomBytes(3).toString("hex")}`;

  session.keepShell();
  // Where nothing can fail first that a host should not have been asked for, the handshake goes on meanwhile. A host that is not there yet
  // is waited for below, once.
  const opening = isAtHand(wanted) && session.ready(1_000, { signal: hooks.signal }).catch(() => undefined);
  const { stream, ...closure } = await closureAtHand(session, wanted, hooks);
  hooks.learnt?.closure(closure);
  // Here the handshake leaves room for that; later, all of it is the host's.
  if (wanted.runs !== wanted.toplevel) void session.foreseeRenewal();
  await opening;
  // A change of its server's type in the same update has left it booting.
  await session.ready(bootSeconds * 1_000, { signal: hooks.signal });

  hooks.status("preparing");
  const life = setInterval(() => void hold(session, id), (lockSeconds / 3) * 1000);
  let finished = false;
  /** Whether nobody has heard of the preparation, which may be on its way. */
  let unanswered = true;
  let trialIsOver: (() => void) | undefined;
  /** Takes back the root of a release that is not kept. */
  let rooting: ReturnType<typeof rootBeside> | undefined;
  const keepRoot = async () => {
    await rooting;
    rooting = undefined;
  };
  try {
    // All that is needed is at hand, and it is this host's turn: the trial need not wait for what the preparation has to tell.
    const over = stream && !wanted.before ? turnAtOnce(hooks) : undefined;
    trialIsOver = over;
    let ahead: Promise<Begun | "not begun"> | undefined;
    let adopted: Promise<Answer<"adopt">> | undefined;
    const sent = { wanted, closure, ...(over && stream ? { stream } : {}) };
    const prepared = await prepare(session, id, sent, hooks, () => {
      if (over && stream) ahead = beginTrialAhead(session, id, wanted, stream.length);
      // Refused where something else runs.
      if (wanted.runs === wanted.toplevel) adopted = adopt(session, id, wanted);
      // Where the preparation fails, it is that which is told.
      Promise.all([ahead, adopted]).catch(() => undefined);
    });
    unanswered = false;
    if (!prepared.ok) throw notPrepared(session, wanted, prepared.because);
    const { seen: earlier } = prepared;
    let due: readonly string[] = earlier.pendingReboot;
    const held = parseHold(earlier.held);
    if (!wanted.thoughHeld && isHeld(held, wanted.toplevel, earlier.current))
      return { toplevel: earlier.current, previous: earlier.current, rebootDue: due, held };
    if (earlier.current === wanted.toplevel) {
      await settle(session, id, await (adopted ?? adopt(session, id, wanted)), wanted, hooks);
    } else {
      warnOfTwoWaysBack(session.label, earlier, hooks);
      hooks.learnt?.lacks({ paths: prepared.missing, bytes: prepared.missingBytes });
      const begin = async (): Promise<Begun> => {
        if (prepared.armed) {
          hooks.status("switching on trial");
          const begun = await (ahead ?? beginTrialAhead(session, id, wanted, 0));
          if (begun !== "not begun") return begun;
        }
        // Others need not wait while it is copied to.
        trialIsOver?.();
        trialIsOver = undefined;
        // Nothing shall collect it here on its way.
        rooting = rootBeside(wanted);
        await bring(session, { id, ...wanted }, lackingOf(prepared, closure), hooks);
        trialIsOver = await hooks.turn?.();
        if (wanted.before) await runBefore(session, id, wanted.toplevel, wanted.before, hooks);
        // From here on it would have to be returned from.
        hooks.signal?.throwIfAborted();
        hooks.status("switching on trial");
        return await beginTrial(session, id, wanted);
      };
      const begun = await begin();
      const judging = judgeTrial(session, id, { wanted, earlier, hooks, begun });
      // Beside the handshake: nothing else goes on then.
      rooting ??= rootBeside(wanted);
      const switched = await judging;
      finished = switched.kept;
      if (finished) await keepRoot();
      due = switched.rebootDue;
    }
    if (due.length > 0 && wanted.reboot) {
      trialIsOver ??= await hooks.turn?.();
      finished = false;
      due = await rebootOnTrial({ session, id, wanted, earlier, hooks }, due.join(", "));
    }
    trialIsOver?.();
    await keepRoot();
    await keepRoots(wanted, hooks);
    await prune(session, wanted, hooks);
    return { toplevel: wanted.toplevel, previous: earlier.current, rebootDue: due };
  } finally {
    clearInterval(life);
    // What was sent along may be on trial, though it is not known here: until that is taken back, no other host is.
    const mayBeOnTrial = unanswered && trialIsOver !== undefined;
    const patience = mayBeOnTrial ? longestTrial(wanted) : finishSeconds;
    if (!finished && !(await finish(session, id, { unanswered, patience })) && mayBeOnTrial)
      hooks.warn?.(
        `${session.label} could not be asked whether the trial of ${wanted.toplevel} has begun; its guard returns from it unasked`,
      );
    trialIsOver?.();
    await takeBack(rooting);
  }
}

/** This host's turn, where that is now. */
const turnAtOnce = ({ turn, turnAtOnce }: Hooks): (() => void) | undefined =>
  turn ? turnAtOnce?.() : () => undefined;

const lackingOf = (
  { missing, missingBytes, few }: Extract<Answer<"prepare">, { ok: true }>,
  { paths }: Closure,
): Missing => ({
  ...{ count: missing, bytes: missingBytes, few },
  local: paths.every(({ shared, local }) => shared || local),
});

/** A failed trial returns to what runs, a crash in it to what boots: where somebody has made these two, that is said. */
function warnOfTwoWaysBack(label: string, { current, profile }: Observation, hooks: Hooks): void {
  if (profile === null || profile === current) return;
  hooks.warn?.(
    `${label}: it runs ${current}, and its boot default is ${profile}: a release that fails returns to the first, a reboot to the second`,
  );
}

/**
 * Judge a trial, and keep or return. Not kept is only what cannot be switched to live and may be booted instead; everything else that is
 * not kept throws.
 */
async function judgeTrial(
  session: SshSession,
  id: string,
  { wanted, earlier, hooks, begun }: { wanted: Release; earlier: Running; hooks: Hooks; begun: Begun },
): Promise<{ kept: boolean; rebootDue: readonly string[] }> {
  if ("bootOnly" in begun) return { kept: false, rebootDue: [begun.bootOnly] };
  const { ended, switchEnd, guardSeconds } = begun;
  const verdict = await judge({ session, id, wanted, earlier, ended, switchEnd, hooks }).catch(
    // Cancelled, or the way to the host is lost: a trial that nobody judges ends like a bad one.
    (error: unknown): TrialVerdict => ({ healthy: false, because: messageOf(error), units: [] }),
  );
  hooks.learnt?.judged(verdict);
  const { toplevel } = wanted;
  const way = { id, old: earlier.current, toplevel, bootId: earlier.bootId, guardSeconds };
  const goBack = async (because: Extract<TrialVerdict, { healthy: false }>) => {
    const outcome = await rollBack(session, way, because, hooks);
    if (outcome instanceof NotKept) throw outcome;
    hooks.warn?.(`${session.label}: it was found healthy and kept, though the answer to that was lost`);
    return { kept: true, rebootDue: outcome.pendingReboot };
  };
  if (!verdict.healthy) {
    if (wanted.rollback !== "never" || !(await leaveIt(session, id, wanted, earlier)))
      return await goBack(verdict);
    throw keptThough(session, toplevel, verdict);
  }

  if (!verdict.kept) {
    hooks.status("confirming");
    const confirmed = await confirm({ session, id, wanted });
    if ("refused" in confirmed)
      return await goBack({ healthy: false, because: confirmed.refused, units: [] });
  }
  return { kept: true, rebootDue: verdict.seen.pendingReboot };
}

/** Whether what shall run is here already. */
const isAtHand = ({ onHost, buildOnHost, toplevel }: Release): boolean =>
  !onHost && !buildOnHost && existsSync(toplevel);

/**
 * The closure of what shall run, built where it is not there yet. A failing build asks no host.
 * @returns with the `stream` of what the host will probably lack, if that is little
 */
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
  if (isAtHand(wanted)) {
    const closure = await closureBeside(wanted.toplevel, wanted.runs).catch(() => undefined);
    const ahead = closure && !wanted.caches?.length ? exportAhead(closure) : undefined;
    // Whoever asks for it again hears of a failure.
    const stream = await ahead?.catch(() => undefined);
    if (closure) return { ...closure, ...(stream && { stream }) };
  }
  hooks.status("building");
  await (hooks.build ?? build)(
    session.target.host,
    { drvPath: wanted.drvPath, out: wanted.toplevel },
    { deadline: 3_600_000, onProgress: hooks.status, ...(hooks.signal ? { signal: hooks.signal } : {}) },
  );
  if (wanted.roots !== undefined)
    await rootNext(wanted.roots, wanted.toplevel).catch((error: unknown) => hooks.warn?.(messageOf(error)));
  return await closureBeside(wanted.toplevel, wanted.runs);
}

/** A root that is needed if the trial is kept. Where it cannot be made, `keepRoots` tries again and tells why. */
const rootBeside = ({ roots, toplevel, keep }: Release): Promise<() => Promise<void>> =>
  (roots === undefined ? Promise.reject() : rootTrial(roots, toplevel, mostKept(keep))).catch(
    () => async () => undefined,
  );

/** A root that stays over is no reason to fail, nor to hide why a release did. */
const takeBack = async (rooting: ReturnType<typeof rootBeside> | undefined): Promise<void> =>
  await rooting?.then((remove) => remove()).catch(() => undefined);

/** What was released is not the collector's here, either. That it could not be rooted undoes no release. */
async function keepRoots({ roots, toplevel, keep }: Release, hooks: Hooks): Promise<void> {
  if (roots === undefined) return;
  await rootRelease(roots, toplevel, mostKept(keep)).catch((error: unknown) =>
    hooks.warn?.(messageOf(error)),
  );
}

const mostKept = (keep: Release["keep"] = keptReleases): number =>
  keep === "all" ? Number.POSITIVE_INFINITY : keep;

/**
 * @param sent with a `stream` of all that the host will lack, it arms itself for a trial
 * @param onSent called when the host has been asked, where what is said then is heard right behind it
 */
async function prepare(
  session: SshSession,
  id: string,
  { wanted, closure, stream }: { wanted: Release; closure: Closure; stream?: Uint8Array },
  hooks: Hooks,
  onSent: () => void,
): Promise<Answer<"prepare">> {
  const rest = closure.paths
    .map(({ path, bytes, shared }) => `${path} ${bytes}${shared ? " shared" : ""}\n`)
    .join("");
  const document = {
    id,
    owner: wanted.owner,
    toplevel: wanted.toplevel,
    system: wanted.system,
    seconds: lockSeconds,
    text: closure.beside ?? "",
    list: Buffer.byteLength(rest),
    ...(stream ? { trial: guardSecondsAhead(wanted) } : {}),
  };
  return await remote(session, "prepare", document, {
    ...{ deadline: wayThere(stream?.length ?? 0), signal: hooks.signal },
    ...{ rest, leave: stream !== undefined, stream, onSent },
  });
}

const notPrepared = (session: SshSession, { toplevel }: Release, because: string): Failure =>
  new Failure({
    host: session.label,
    tried: `deploy ${toplevel}`,
    cameBack: because,
    stands: "Nothing was changed",
    next: "once that has ended or is mended, run pulumi up again",
  });

/** Profile and boot default follow the wanted system, which runs already; said right behind the preparation, where that goes on. */
const adopt = (
  session: SshSession,
  id: string,
  wanted: Release,
  { judged = false }: { judged?: boolean } = {},
): Promise<Answer<"adopt">> =>
  remote(
    session,
    "adopt",
    { id, toplevel: wanted.toplevel, text: markOf(wanted), boot: judged ? "judged" : "" },
    { deadline: 120_000, rest: JSON.stringify(wanted.health), behind: true },
  );

/** The wanted system runs already, and must be healthy. Where it is not the boot default, it becomes that only then. */
async function settle(
  session: SshSession,
  id: string,
  answer: Answer<"adopt">,
  wanted: Release,
  hooks: Hooks,
): Promise<void> {
  const trouble = async (): Promise<string | undefined> => {
    if (!answer.ok) return answer.because;
    const verdict = await judgeRunning(session, wanted, hooks);
    if (!verdict.healthy) return verdict.because;
    const adopted = answer.adopted ? answer : await adopt(session, id, wanted, { judged: true });
    return adopted.ok ? undefined : adopted.because;
  };
  const because = await trouble();
  if (because === undefined) return;
  const isTried = answer.ok && !answer.adopted;
  throw new Failure({
    host: session.label,
    tried: `check ${wanted.toplevel}, which runs already`,
    cameBack: because,
    stands: isTried
      ? "Nothing was switched, and it has not become the boot default: a reboot returns to what is"
      : "Nothing was switched, so there is nothing to roll back",
    next: "mend the app or its check and run pulumi up again",
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

/**
 * Give the lock back, and have a trial taken back that nobody judges. A host that cannot be asked frees itself: the lock goes stale, the guard
 * rolls back.
 * @param unanswered whether its preparation may be on its way
 * @param patience seconds for which it is asked again
 * @returns whether it said that it did
 */
async function finish(
  session: SshSession,
  id: string,
  { unanswered, patience }: { unanswered: boolean; patience: number },
): Promise<boolean> {
  const text = unanswered ? "unanswered" : "";
  const end = Date.now() + patience * 1_000;
  for (;;) {
    const answer = await remote(session, "finish", { id, text }, { deadline: 30_000 }).catch(() => undefined);
    if (answer?.ok) return true;
    if (Date.now() >= end) return false;
    await sleep(1_000);
    session.drop();
  }
}
