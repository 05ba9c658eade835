import { setTimeout as sleep } from "node:timers/promises";
import { withoutComment } from "../../config/public-key.ts";
import { Failure } from "../failure.ts";
import { type Answer, remote } from "../remote/scripts.ts";
import type { SshTarget } from "../ssh/config.ts";
import { scanHostKey } from "../ssh/scan.ts";
import { SshSession } from "../ssh/session.ts";

/** What a rescue system found on the disks of its machine. */
export type Findings = Extract<Answer<"rescue">, { ok: true }>;

/** Milliseconds for mounting and reading on slow disks. */
const lookDeadline = 300_000;

/**
 * The host key of the rescue system that was just ordered at an address. It is new at every boot and nobody tells it, so that it is
 * trusted once: right after our own reset, and never when it is a key that the installed system has.
 * @param until milliseconds since 1970
 */
export async function awaitRescueKey(
  { host, address, hostKeys }: Pick<SshTarget, "host" | "address" | "hostKeys">,
  { until, status }: { until: number; status: (line: string) => void },
): Promise<string> {
  const installed = new Set(hostKeys.map(withoutComment));
  let trouble: string;
  do {
    const { key, said } = await scanHostKey(address, 22, 3);
    if (key !== undefined && !installed.has(withoutComment(key))) return key;
    trouble = key === undefined ? said : "the installed system answers, not the rescue system";
    status(`waiting for the rescue system: ${trouble}`);
    await sleep(1_000);
  } while (Date.now() < until);
  throw new Failure({
    host: `${host} (${address})`,
    tried: "reach the rescue system on port 22",
    cameBack: trouble,
    stands: "The server was reset",
    next: "look at the server's console; berth rescue with --leave boots the installed system",
  });
}

/**
 * Log in to a rescue system, see that it is one and on the right server, mount what its disks hold read-only and read it.
 * @param serverId Hetzner's id of the server that is meant; empty where there is none to compare with
 * @param deadline milliseconds until it must let us in
 */
export async function lookFromRescue(
  target: SshTarget,
  serverId: string,
  deadline: number,
): Promise<Findings> {
  const session = await SshSession.create(target);
  try {
    await session.waitUntilReachable(deadline);
    const found = await remote(session, "rescue", { id: serverId, seconds: 5 }, { deadline: lookDeadline });
    if (found.ok) return found;
    throw new Failure({
      host: session.label,
      tried: "look at the disks from the rescue system",
      cameBack: `refused, ${found.because}`,
      stands: "Nothing was mounted",
      next: "find out which machine answers at this address",
    });
  } finally {
    await session.close();
  }
}
