import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../failure.ts";
import { build } from "../nix/build.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { remote } from "../remote/scripts.ts";
import { isIdentityMismatch, SshSession } from "../ssh/session.ts";
import { decideInstall, type TargetFacts, type Wanted } from "./decide.ts";
import type { InstallDocument } from "./document.ts";
import type { InstallLog } from "./log.ts";
import { nixosAnywhere, type Phase } from "./nixos-anywhere.ts";

/** Install a host, or find that it is installed, or refuse. Ends within the document's deadline, either way. */
export async function install(document: InstallDocument, log: InstallLog): Promise<void> {
  const end = Date.now() + document.deadline * 1000;
  const left = () => Math.max(1_000, end - Date.now());
  const folder = await privateFolder();
  try {
    log.say("building the system, looking at the host");
    // A server that has just been ordered takes as long to boot as an app takes to build. Neither changes anything.
    const facts = await sideBySide(
      (signal) => look(document, left(), signal),
      (signal) => buildAll(document, left(), log, signal),
    );
    const decision = decideInstall(facts, wantedBy(document));
    if (decision.do === "refuse") {
      throw new Failure({
        host: `${document.target.host} (${document.target.address})`,
        tried: "install NixOS",
        cameBack: `refused, ${decision.because}`,
        stands: "The disk was not touched",
        next: decision.next,
      });
    }
    if (decision.do === "adopt") return log.say("installed already; nothing to do");

    const phases: Phase[] =
      decision.do === "resume" ? ["disko", "install", "reboot"] : ["kexec", "disko", "install", "reboot"];
    if (decision.do === "resume") log.say("an earlier install did not end; going on in the installer");
    await nixosAnywhere(document, phases, folder, log, left());

    log.say("waiting for the installed system");
    await awaitInstalled(document, left());
    log.say("installed");
  } finally {
    await removePrivateFolder(folder);
  }
}

const wantedBy = ({ marker, ordered, erase }: InstallDocument): Wanted => ({ marker, ordered, erase });

/** Do both and give the first one's answer. When one fails the other is stopped, and has cleaned up before the error goes on. */
async function sideBySide<T>(
  first: (signal: AbortSignal) => Promise<T>,
  second: (signal: AbortSignal) => Promise<unknown>,
): Promise<T> {
  const stop = new AbortController();
  const both = [first(stop.signal), second(stop.signal)] as const;
  try {
    const [answer] = await Promise.all(both);
    return answer;
  } finally {
    stop.abort();
    await Promise.allSettled(both);
  }
}

/** Everything is built before the host is touched. */
async function buildAll(
  document: InstallDocument,
  deadline: number,
  log: InstallLog,
  signal: AbortSignal,
): Promise<void> {
  for (const what of ["toplevel", "diskoScript", "kexecTarball"] as const) {
    const derivation = document[what];
    if (derivation) await build(what, derivation, { deadline, signal, onLine: (line) => log.keep(line) });
  }
}

/** Rounds in a row in which a host refuses both keys before it is taken for another one. */
const strikes = 3;

/**
 * Reach the host by either of its two identities and see what runs there. The two are tried by turns and shortly: a server that
 * boots answers to the one it has, and its sshd may answer with the image's own keys before cloud-init has put ours in place.
 */
async function look(document: InstallDocument, deadline: number, signal: AbortSignal): Promise<TargetFacts> {
  const end = Date.now() + deadline;
  let unreadable = 0;
  let refused = 0;
  for (;;) {
    const errors: unknown[] = [];
    for (const identity of ["bootstrap", "lasting"] as const) {
      const key = identity === "bootstrap" ? document.bootstrapHostKey : document.lastingHostKey.publicKey;
      const session = await SshSession.create({ ...document.target, hostKeys: [key] });
      try {
        await session.waitUntilReachable(Math.min(3_000, end - Date.now()), { signal });
        unreadable += 1;
        const seen = await remote(session, "observe", {}, { deadline: 30_000, fresh: true, signal });
        const { os, variant, marker } = seen;
        // Nobody's data is on what this stack has just ordered.
        const disks =
          document.ordered || marker !== null
            ? null
            : await remote(session, "disks", { device: document.disks }, { deadline: 30_000, signal });
        return { identity, os, variant, marker, disks };
      } catch (error) {
        signal.throwIfAborted();
        // A host that goes down while it is asked comes back; one that lets us in and never makes sense does not.
        if (unreadable >= 5) throw error;
        errors.push(error);
      } finally {
        await session.close();
      }
    }
    refused = errors.every((error) => isIdentityMismatch(messageOf(error))) ? refused + 1 : 0;
    if (refused >= strikes || Date.now() >= end) throw errors[0];
    if (refused > 0) await sleep(2_000, undefined, { signal });
  }
}

/** The new system must come up as itself: the lasting key, our marker, the toplevel that was installed. */
async function awaitInstalled(document: InstallDocument, deadline: number): Promise<void> {
  const session = await SshSession.create({
    ...document.target,
    user: "root",
    hostKeys: [document.lastingHostKey.publicKey],
  });
  try {
    // The installer may answer once more, with the key it had.
    await session.waitUntilReachable(deadline, { patient: true });
    const seen = await remote(session, "observe", {}, { deadline: 30_000, fresh: true });
    const ours =
      seen.marker !== null &&
      decideInstall({ identity: "lasting", disks: null, ...seen }, wantedBy(document)).do === "adopt";
    if (ours && seen.current === document.toplevel.out) return;
    throw new Failure({
      host: session.label,
      tried: "verify the installed system",
      cameBack: ours
        ? `it runs ${seen.current}, not ${document.toplevel.out}`
        : `its marker is ${seen.marker ?? "absent"}`,
      next: "look at the server's console",
    });
  } finally {
    await session.close();
  }
}
