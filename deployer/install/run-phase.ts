import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../failure.ts";
import { isIdentityMismatch, SshSession } from "../ssh/session.ts";
import type { InstallDocument } from "./document.ts";
import type { InstallerPhase } from "./facts.ts";
import type { InstallLock } from "./lock.ts";
import type { InstallLog } from "./log.ts";
import { look, whereabouts } from "./look.ts";
import { nixosAnywhere } from "./nixos-anywhere.ts";

export interface Run {
  document: InstallDocument;
  log: InstallLog;
  /** The only host key that is believed. */
  hostKey: string;
  lock: InstallLock | undefined;
  /** A private folder of the phase's own. */
  folder: string;
  /** Milliseconds. */
  deadline: number;
  /** Ends everything. */
  signal: AbortSignal;
}

/** Answers with a wrong key in a row before whoever gives them is taken for another machine. */
const strikes = 3;

/** Boot the installer. nixos-anywhere waits for it for ever; whoever answers with another key will not become it. */
export async function runKexec(run: Run): Promise<void> {
  const { document, log, signal } = run;
  const over = new AbortController();
  const stranger = watchForStranger(run, over.signal);
  try {
    await nixosAnywhere(document, {
      ...run,
      phase: "kexec",
      signal: AbortSignal.any([signal, stranger.signal]),
      stands: () => whereabouts(document, 4_000),
    });
  } catch (error) {
    // A connection that broke at the wrong moment, and yet the host has done what it was told.
    if (signal.aborted || stranger.signal.aborted || !(await runsInstaller(run))) throw error;
    log.keep(messageOf(error));
    log.say("the installer is there all the same");
  } finally {
    over.abort();
    await stranger.done;
  }
}

/** Work in the installer; it ends when the host is no longer held, but for the restart, which is meant to end that. */
export async function runInInstaller(phase: InstallerPhase, run: Run): Promise<void> {
  const { document, lock, signal } = run;
  const lost = new AbortController();
  const over = new AbortController();
  if (phase !== "reboot") {
    void lock?.lost
      // nixos-anywhere tells better what it was at when the connection broke.
      .then(() => sleep(4_000, undefined, { signal: over.signal }))
      .then(() => lost.abort(new Error("the connection to the host broke")))
      .catch(() => undefined);
  }
  try {
    await nixosAnywhere(document, {
      ...run,
      phase,
      signal: AbortSignal.any([signal, lost.signal]),
      stands: () => whereabouts(document, 4_000),
    });
  } finally {
    over.abort();
  }
}

async function runsInstaller({ document, signal }: Run): Promise<boolean> {
  try {
    const { session, seen } = await look(document, 5_000, signal);
    await session.close();
    return seen.variant === "installer";
  } catch {
    return false;
  }
}

function watchForStranger(
  { document: { target }, hostKey }: Run,
  stop: AbortSignal,
): { signal: AbortSignal; done: Promise<void> } {
  const found = new AbortController();
  const watch = async () => {
    const session = await SshSession.create({ ...target, user: "root", hostKeys: [hostKey] });
    try {
      for (let times = 0; times < strikes; ) {
        await sleep(3_000, undefined, { signal: stop });
        const said = await session
          .waitUntilReachable(1, { signal: stop })
          .then(() => "")
          .catch(messageOf);
        times = isIdentityMismatch(said) ? times + 1 : 0;
      }
      found.abort(
        new Error("host key verification failed: another host key than the one it was begun with answers"),
      );
    } finally {
      await session.close();
    }
  };
  return { signal: found.signal, done: watch().catch(() => undefined) };
}
