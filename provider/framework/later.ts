import type { ResourceHandler, UpdatableHandler } from "./types.ts";

/** A resource of which no more is loaded than what a run asks of it that has nothing to do; all else when there is something. */
export const doneLater = (
  asked: Pick<ResourceHandler, "check" | "diff" | "secretOutputs">,
  load: () => Promise<UpdatableHandler>,
): ResourceHandler => ({
  ...asked,
  preview: async (...args) => await (await load()).preview(...args),
  create: async (...args) => await (await load()).create(...args),
  update: async (...args) => await (await load()).update(...args),
  async read(id, state, call) {
    const { read } = await load();
    return read ? await read(id, state, call) : state;
  },
  delete: async (...args) => await (await load()).delete?.(...args),
});
