import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../failure.ts";
import { remote } from "../remote/scripts.ts";
import { SshSession } from "../ssh/session.ts";
import { unlockDisk } from "../unlock/unlock.ts";
import type { InstallDocument } from "./document.ts";
import type { InstallLog } from "./log.ts";
import { awaitNetwork } from "./network.ts";
import { markerOf } from "./progress.ts";

/** The new system must come up as itself: the lasting key, our marker, the toplevel that was installed, its network. */
export async function awaitInstalled(
  document: InstallDocument,
  log: InstallLog,
  within: { boot: number; network: number },
  signal: AbortSignal,
): Promise<void> {
  const { target, lastingHostKey, toplevel, encryption } = document;
  const installed = { ...target, user: "root", hostKeys: [lastingHostKey.publicKey] };
  const session = await SshSession.create(installed);
  const end = Date.now() + within.boot;
  const say = (line: string) => log.say(line);
  try {
    if (encryption) {
      const { passphrase, unlock } = encryption;
      const disk = { port: unlock.port, hostKey: unlock.hostKey.publicKey, passphrase };
      if ((await unlockDisk(installed, disk, { until: end, signal, say })) === "unlocked")
        say("the disk is unlocked; the boot goes on");
    }
    for (;;) {
      // The installer may answer once more, with the key it had.
      await session.waitUntilReachable(Math.max(1, end - Date.now()), { patient: true, signal });
      const wrong = await whatIsWrong(session, document);
      if (wrong === undefined) break;
      if (Date.now() >= end) {
        throw new Failure({
          host: session.label,
          tried: "verify the installed system",
          cameBack: wrong,
          next: "look at the server's console, then run pulumi up again",
        });
      }
      await sleep(1_000, undefined, { signal });
    }
    await awaitNetwork(session, document, within.network, say);
    log.keep(`${session.label} runs ${toplevel.out}`);
  } finally {
    await session.close();
  }
}

async function whatIsWrong(session: SshSession, document: InstallDocument): Promise<string | undefined> {
  const { toplevel } = document;
  try {
    const seen = await remote(session, "inspect", {}, { deadline: 15_000, fresh: true });
    const marker = JSON.stringify(markerOf(document));
    if (seen.variant === "installer") return "the installer still runs";
    if (seen.marker?.trim() !== marker)
      return `its marker is ${seen.marker?.trim() ?? "absent"}, not ${marker}`;
    return seen.current === toplevel.out ? undefined : `it runs ${seen.current}, not ${toplevel.out}`;
  } catch (error) {
    return messageOf(error);
  }
}
