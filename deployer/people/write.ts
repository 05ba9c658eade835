import { Failure, messageOf } from "../failure.ts";
import { remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";

/** Milliseconds for each step. */
const deadline = 20_000;

/**
 * Put another list of root's keys in place, and see that the host still lets the stack in, over a new connection; otherwise the list
 * before is put back over the one that stands. Throws a Failure that says which.
 * @param digest of the list that was looked at, in hex
 * @param text the new list
 */
export async function writeRootKeys(session: SshSession, digest: string, text: string): Promise<void> {
  const failed = (cameBack: string, stands: string) =>
    new Failure({
      host: session.label,
      tried: "write root's keys",
      cameBack,
      stands,
      next: "mend that, then run berth people --sync again",
    });
  const written = await remote(
    session,
    "people-write",
    { id: "write", text: digest },
    { deadline, rest: text },
  );
  if (!written.ok) throw failed(written.because, "Nothing was changed");
  const because = await session
    .sh("exit 0", { deadline, fresh: true })
    .then(
      ({ exitCode, stderr }) => (exitCode === 0 ? undefined : stderr.trim() || "no connection"),
      messageOf,
    );
  if (because === undefined) {
    await remote(session, "people-write", { id: "done" }, { deadline });
    return;
  }
  await remote(session, "people-write", { id: "back" }, { deadline });
  throw failed(`with them the host let nobody in: ${because}`, "The keys before are back");
}
