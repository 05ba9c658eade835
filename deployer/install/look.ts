import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../failure.ts";
import { type Inspection, remote } from "../remote/scripts.ts";
import { scanTarget } from "../ssh/scan.ts";
import { deniedPause, isIdentityMismatch, isLoginDenied, SshSession } from "../ssh/session.ts";
import type { InstallDocument } from "./document.ts";
import type { TargetFacts } from "./facts.ts";
import { nextPhase } from "./progress.ts";
import { shutOut } from "./shut-out.ts";

/** A host that was reached and looked at. Close its session. */
export interface Contact {
  session: SshSession;
  /** The key it answered with, the only one that is believed from here on. */
  hostKey: string;
  seen: Inspection;
  facts: TargetFacts;
}

interface Candidate {
  identity: TargetFacts["identity"];
  user: string;
}

/** Rounds in a row in which a host refuses both keys before it is taken for another one, and in all in which it lets nobody in. */
const strikes = 3;
/** The same for a host that lets us in and on which a look fails. */
const unreadableTimes = 5;

const hostKeyOf = (document: InstallDocument, identity: TargetFacts["identity"]) =>
  identity === "bootstrap" ? document.bootstrapHostKey : document.lastingHostKey.publicKey;

/** Who may be there: what was there before, its installer, the installed system. The last two know root alone. */
function candidates({ target: { user } }: InstallDocument): Candidate[] {
  return [
    { identity: "bootstrap", user },
    ...(user === "root" ? [] : [{ identity: "bootstrap" as const, user: "root" }]),
    { identity: "lasting", user: "root" },
  ];
}

/**
 * Reach the host by either of its two identities and see what runs there. They are tried by turns and shortly: a server that
 * boots answers to the one it has, and its sshd may answer with the image's own keys before cloud-init has put ours in place.
 */
export async function look(
  document: InstallDocument,
  deadline: number,
  signal?: AbortSignal,
): Promise<Contact> {
  const end = Date.now() + deadline;
  let unreadable = 0;
  let refused = 0;
  let shut = 0;
  for (;;) {
    const errors: unknown[] = [];
    for (const candidate of candidates(document)) {
      const hostKey = hostKeyOf(document, candidate.identity);
      const session = await SshSession.create({
        ...document.target,
        user: candidate.user,
        hostKeys: [hostKey],
      });
      let reached = false;
      try {
        await session.waitUntilReachable(Math.max(1, Math.min(3_000, end - Date.now())), { signal });
        reached = true;
        const { seen, facts } = await inspect(session, document, candidate.identity, signal);
        return { session, hostKey, seen, facts };
      } catch (error) {
        await session.close();
        signal?.throwIfAborted();
        // A host that goes down while it is asked comes back; one that lets us in and never makes sense does not.
        if (reached || isDenied(error)) unreadable += 1;
        if (unreadable >= unreadableTimes) throw error;
        errors.push(error);
      }
    }
    refused = errors.every((error) => isIdentityMismatch(messageOf(error))) ? refused + 1 : 0;
    if (refused >= strikes) throw await stranger(document, signal);
    const denied = errors.map(messageOf).find(isLoginDenied);
    // What this stack has ordered may not have been told its keys yet; nobody tells another machine. It may bar us in between.
    if (denied !== undefined && !document.ordered) shut += 1;
    if (denied !== undefined && shut >= strikes)
      throw shutOut(document, {
        by: "the login",
        said: /(\S+: )?permission denied[^.\n]*/i.exec(denied)?.[0] ?? denied,
      });
    if (Date.now() >= end) throw errors[0];
    if (denied !== undefined || refused + shut > 0) await sleep(deniedPause, undefined, { signal });
  }
}

/** The failure for a machine that shows another key, with the one it shows. */
async function stranger(document: InstallDocument, signal: AbortSignal | undefined) {
  const { key: shown, said } = await scanTarget(document.target, 5);
  signal?.throwIfAborted();
  const onTheWay = document.target.jump && shown === undefined && isIdentityMismatch(said);
  return shutOut(document, onTheWay ? { by: "the way" } : { by: "another key", shown });
}

/** Root's rights that are not given are not given a minute later either. */
const isDenied = (error: unknown): boolean => /\b(sudo|doas): /.test(messageOf(error));

/** What runs on a host that is connected. */
export async function inspect(
  session: SshSession,
  document: InstallDocument,
  identity: TargetFacts["identity"],
  signal?: AbortSignal,
): Promise<{ seen: Inspection; facts: TargetFacts }> {
  const seen = await remote(session, "inspect", {}, { deadline: 30_000, fresh: true, signal });
  // An installed host's disks are nobody's business, unless it is to be wiped.
  const idle = seen.marker !== null && document.reinstall === null;
  const disks = idle
    ? null
    : await remote(
        session,
        "disks",
        { device: document.disks },
        { deadline: 30_000, fresh: true, ...(signal && { signal }) },
      );
  const { os, variant, marker, machine, memory, tokens: bootedBy } = seen;
  const next = nextPhase(seen, document);
  return { seen, facts: { identity, os, variant, marker, machine, memory, disks, next, bootedBy } };
}

/** What runs there, in a few words: "debian", "the installer", "the rescue system (debian)". */
export function describe({ os, variant, hostname, root }: Inspection): string {
  if (os === "nixos") return variant === "installer" ? "the installer" : "NixOS";
  const inMemory = root === "tmpfs" || root.startsWith("nfs");
  return hostname === "rescue" || inMemory ? `the rescue system (${os})` : os;
}

/** Where a host stands after something went wrong: a short look, in words that end an error. */
export async function whereabouts(document: InstallDocument, deadline: number): Promise<string> {
  try {
    const { session, seen } = await look(document, deadline);
    await session.close();
    return `It answers and runs ${describe(seen)}`;
  } catch (error) {
    return isIdentityMismatch(messageOf(error))
      ? "What answers at its address has another host key than this stack's"
      : "It does not answer";
  }
}
