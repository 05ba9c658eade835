import { z } from "zod";
import { ensureHostKey, type KeyRotation } from "../../deployer/identity/rotate.ts";
import { ownerOf } from "../../deployer/owner.ts";
import type { CallContext, Properties, UpdatableHandler } from "../framework/types.ts";
import { hostKeyDiff } from "./host-key-diff.ts";
import { targetOf, wayToHost } from "./sessions.ts";

const inputs = wayToHost.omit({ hostKey: true }).extend({
  /** The machine; installed with whatever key was the wanted one then. */
  machineId: z.string(),
  publicKey: z.string(),
  privateKey: z.string(),
  /** Public keys it had before, oldest first. */
  former: z.array(z.string()),
});
type Inputs = z.infer<typeof inputs>;

/** What says "the host has the key" and is done. */
export type EnsureKey = typeof ensureHostKey;

/** Former keys that the host may still have: those from the one on that it was last seen with. Pure. */
export function stillPossible(former: readonly string[], verified: string | undefined): string[] {
  const from = verified === undefined ? 0 : former.indexOf(verified);
  return from < 0 ? [...former] : former.slice(from);
}

/**
 * The host key that an installed host shows, verified. A change of `publicKey` rotates it (`deployer/identity/rotate.ts`): both keys
 * are trusted until the new one has answered. An update that fails or dies leaves this resource at the old key, so that the next one goes on.
 *
 * - outputs: `publicKey`, the key that has answered.
 */
export const hostKey = (ensure: EnsureKey = ensureHostKey): UpdatableHandler => {
  async function verified(
    news: Properties,
    last: string | undefined,
    call: CallContext,
  ): Promise<Properties> {
    const wanted = inputs.parse(news);
    const former = stillPossible(wanted.former, last);
    // Installed with this very key, and the installation has seen it answer.
    if (former.length > 0) {
      const outcome = await ensure(rotationOf(wanted, former), {
        status: (line) => call.status(line),
        signal: call.signal,
      });
      if (outcome === "rotated") call.log("info", `${wanted.host} (${wanted.address}) has its new host key`);
    }
    return { publicKey: wanted.publicKey };
  }

  return {
    ...hostKeyDiff,

    async preview(news) {
      return { publicKey: news.publicKey };
    },

    async create(news, call) {
      const { stack, host } = inputs.parse(news);
      return { id: `${stack}/${host}`, outputs: await verified(news, undefined, call) };
    },

    async update(_id, olds, news, call) {
      return await verified(news, String(olds.outputs.publicKey), call);
    },
  };
};

function rotationOf(wanted: Inputs, former: string[]): KeyRotation {
  const { publicKey, privateKey } = wanted;
  return {
    target: targetOf(wanted),
    wanted: { publicKey, privateKey },
    former,
    owner: ownerOf(wanted.stack, "rotating the host key"),
  };
}
