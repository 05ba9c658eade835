import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../failure.ts";
import { lastLines } from "../process.ts";
import type { SshTarget } from "../ssh/config.ts";
import { isIdentityMismatch, SshSession } from "../ssh/session.ts";

/** How a host is reached while its disk is locked, and what opens the disk. */
export interface LockedDisk {
  port: number;
  /** Public host key of the ssh server in its initrd. */
  hostKey: string;
  /** Secret. The line's end does not count. */
  passphrase: string;
}

export interface UnlockOptions {
  /** When the disk has to be open, in milliseconds since 1970. */
  until: number;
  signal?: AbortSignal;
  /** Told what is waited for. */
  say: (line: string) => void;
}

/** How the `unlock` of an initrd ends (`nixos/disks/unlock.sh`). */
const ends = { open: 0, wrong: 1 };
/** Milliseconds for one answer: `unlock` waits a minute for the disk to ask. */
const answerWithin = 90_000;

/**
 * Unlock a host's disk as soon as it asks for its passphrase. Strict: the passphrase goes to whoever has the initrd's host key, over ssh's
 * stdin, and to nobody else. Throws where it is wrong, where another key answers, and at the end of `until`.
 * @returns "running" where the installed system is found to answer already
 */
export async function unlockDisk(
  host: SshTarget,
  disk: LockedDisk,
  { until, signal, say }: UnlockOptions,
): Promise<"unlocked" | "running"> {
  const initrd = { ...host, host: `${host.host}-locked`, port: disk.port, hostKeys: [disk.hostKey] };
  const failure = (cameBack: string, stands: string, next: string) =>
    new Failure({ host: `${host.host} (${host.address})`, tried: "unlock its disk", cameBack, stands, next });
  const locked = await SshSession.create({ ...initrd, user: "root" });
  const installed = await SshSession.create({ ...host, user: "root" });
  let said: string | undefined;
  try {
    do {
      signal?.throwIfAborted();
      if (await answers(installed, signal)) return "running";
      if (said === undefined) say("unlocking the disk, as soon as it asks");
      said ??= "";
      const ended = await answer(locked, disk.passphrase, until, signal);
      signal?.throwIfAborted();
      if (ended.exitCode === ends.open) return "unlocked";
      said = lastLines(ended.stderr, 2) || said;
      if (ended.exitCode === ends.wrong)
        throw failure(
          "the passphrase is wrong",
          "The disk asks again",
          `find the one that it was encrypted with; berth unlock ${host.host} --stdin takes one from stdin`,
        );
      if (isIdentityMismatch(ended.stderr))
        throw failure(
          `another host key than this stack's answers on port ${disk.port}`,
          "The passphrase was not sent",
          "find out who answers there: the host was installed by other means, or somebody else has its address",
        );
      await sleep(1_000, undefined, { signal });
    } while (Date.now() < until);
  } finally {
    await Promise.all([locked.close(), installed.close()]);
  }
  throw failure(
    `on port ${disk.port} ${said || "nobody answered"}`,
    "",
    `look at the server's console; once it asks there, berth unlock ${host.host}`,
  );
}

const answers = (session: SshSession, signal: AbortSignal | undefined): Promise<boolean> =>
  session.waitUntilReachable(1, { patient: true, ...(signal && { signal }) }).then(
    () => true,
    () => false,
  );

/** One try. A connection that breaks is no answer: the boot that goes on takes the initrd's ssh with it. */
const answer = (session: SshSession, passphrase: string, until: number, signal: AbortSignal | undefined) =>
  session
    .sh("unlock", {
      input: passphrase,
      deadline: Math.max(5_000, Math.min(answerWithin, until - Date.now())),
      fresh: true,
      connectTimeout: 3,
      ...(signal && { signal }),
    })
    .catch((error: unknown) => ({ exitCode: 255, stdout: "", stderr: messageOf(error) }));
