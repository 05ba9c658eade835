import { randomBytes } from "node:crypto";
import { Failure, messageOf } from "../failure.ts";
import { remote } from "../remote/scripts.ts";
import type { SshTarget } from "../ssh/config.ts";
import { isIdentityMismatch, SshSession } from "../ssh/session.ts";

export interface KeyRotation {
  /** How the host is reached; whom it must be is the keys' to say. */
  target: Omit<SshTarget, "hostKeys">;
  /** The key it shall have; the private half is a secret. */
  wanted: { publicKey: string; privateKey: string };
  /** Public keys it may have until then, newest last. */
  former: readonly string[];
  /** Who rotates, for the host's lock. */
  owner: string;
  /** Seconds in which the new key must answer. @default 20 */
  answerWithin?: number;
}

export interface RotationHooks {
  /** A short line about what happens now. */
  status: (line: string) => void;
  signal?: AbortSignal;
}

/** Seconds beside `answerWithin` that the guard leaves for the verdict to arrive. */
const verdictSeconds = 25;
/** Seconds a host may take to boot, after another change of the same update. */
const bootSeconds = 180;

/**
 * Have a host show its wanted key, and no other: whatever an earlier try has left is found by asking the host. Contact is kept, because
 * a guard on the host puts the old key back unless it is confirmed over a connection that the new key has verified.
 * @returns "served" when it had the key already
 */
export async function ensureHostKey(
  rotation: KeyRotation,
  hooks: RotationHooks,
): Promise<"served" | "rotated"> {
  const { target, wanted, former } = rotation;
  const sessions = await Promise.all([
    SshSession.create({ ...target, hostKeys: [wanted.publicKey, ...former] }),
    SshSession.create({ ...target, hostKeys: [wanted.publicKey] }),
    SshSession.create({ ...target, hostKeys: former }),
  ]);
  const [either, renewed, old] = sessions;
  try {
    hooks.status("waiting for ssh");
    await either.waitUntilReachable(bootSeconds * 1_000, { signal: hooks.signal });
    if (await answersAs(renewed)) {
      // A deployer that died in between has left its guard on watch.
      const kept = await remote(renewed, "keep-key", {}, { deadline: 30_000, fresh: true });
      if (kept.ok) return "served";
      hooks.status("the host is putting its old key back");
      await old.waitUntilReachable(30_000, { patient: true, signal: hooks.signal });
    }
    await rotate(rotation, { either, renewed, old }, hooks);
    return "rotated";
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** Sessions with one host: trusting all of its keys, the new one alone, the former ones alone. */
interface Ways {
  either: SshSession;
  renewed: SshSession;
  old: SshSession;
}

async function rotate(rotation: KeyRotation, ways: Ways, hooks: RotationHooks): Promise<void> {
  const { answerWithin = 20, owner, wanted } = rotation;
  const { either, renewed } = ways;
  const id = `key-${Date.now().toString(36)}${randomBytes(3).toString("hex")}`;
  const guardSeconds = answerWithin + verdictSeconds;
  try {
    hooks.status("putting the new host key beside the old one");
    const put = await remote(
      either,
      "rotate",
      { id, owner, seconds: guardSeconds },
      { deadline: 60_000, rest: `${wanted.privateKey.trimEnd()}\n` },
    );
    if (!put.ok) throw await failed(rotation, ways, { id, guardSeconds }, put.because);

    hooks.status("connecting under the new host key");
    try {
      await renewed.waitUntilReachable(answerWithin * 1_000, { patient: true, signal: hooks.signal });
      const kept = await remote(renewed, "keep-key", { id }, { deadline: 30_000, fresh: true });
      if (!kept.ok) throw new Error(kept.because);
    } catch (error) {
      // An answer may get lost on its way; the host knows.
      if ((await stateOf(renewed, id)) === "confirmed") return;
      throw await failed(rotation, ways, { id, guardSeconds }, messageOf(error));
    }
  } finally {
    await remote(either, "finish", { id }, { deadline: 30_000, fresh: true }).catch(() => undefined);
  }
}

/** The error to throw; it says that the old key is back only when the host was read back under it. */
async function failed(
  { target, answerWithin = 20 }: KeyRotation,
  { either, old }: Ways,
  { id, guardSeconds }: { id: string; guardSeconds: number },
  because: string,
): Promise<Failure> {
  const host = `${target.host} (${target.address})`;
  const tried = "rotate the host key";
  const before = await stateOf(either, id);
  if (before === "none")
    return new Failure({
      host,
      tried,
      cameBack: because,
      stands: "Nothing was changed; it has its old key",
      next: "mend that, then run pulumi up again",
    });
  await remote(either, "abandon", { id, seconds: 15 }, { deadline: 20_000 }).catch(() => undefined);
  const back = await old
    .waitUntilReachable((guardSeconds + 15) * 1_000, { patient: true })
    .then(() => stateOf(old, id))
    .catch(() => undefined);
  return new Failure({
    host,
    tried,
    cameBack: `the new key did not answer within ${answerWithin} s: ${because}`,
    stands:
      back === "rolled-back"
        ? "The old key was put back; the host was read back under it"
        : "The way back to the old key is NOT confirmed; the host's guard puts it back",
    next: "look at the journal of sshd on the host, then run pulumi up again: it trusts either key until the new one is confirmed",
  });
}

const stateOf = (session: SshSession, id: string) =>
  remote(session, "observe", { id }, { deadline: 20_000, fresh: true }).then(
    ({ trial }) => trial.state,
    () => undefined,
  );

/** Whether the host shows a key of this session's. Throws when it does not answer at all. */
async function answersAs(session: SshSession): Promise<boolean> {
  try {
    await session.waitUntilReachable(15_000);
    return true;
  } catch (error) {
    if (isIdentityMismatch(messageOf(error))) return false;
    throw error;
  }
}
