import type { ResourceHandler } from "../framework/types.ts";

/** What every run asks of a HostKey (`host-key.ts`). */
export const hostKeyDiff: Pick<ResourceHandler, "secretOutputs" | "diff"> = {
  secretOutputs: ["privateKey", "loginKey"],

  async diff(olds, news) {
    const changed = news.publicKey === undefined || news.publicKey !== olds.outputs.publicKey;
    return { changes: changed, ...(changed ? { detailed: { publicKey: "update" } } : {}) };
  },
};
