import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Clock } from "../../deployer/clock.ts";
import { messageOf } from "../../deployer/failure.ts";
import { furnishApp, makeApp, readApp } from "../../deployer/fly/app.ts";
import { diffInputs, replacing } from "../framework/diff.ts";
import { PartialFailure } from "../framework/errors.ts";
import type { Properties, ResourceHandler } from "../framework/types.ts";
import { accessOf, flyAccess, flyApi, flyWays } from "./fly-access.ts";

const inputs = flyAccess.extend({
  organization: z.string(),
  addresses: z.array(z.enum(["v6", "shared_v4", "v4", "private_v6"])),
  certificates: z.array(z.string()),
});

const outputsOf = (
  news: Properties,
  facts: NonNullable<Awaited<ReturnType<typeof readApp>>>,
): Properties => ({
  ...news,
  hostname: `${String(news["app"])}.fly.dev`,
  assigned: facts.addresses,
  certified: facts.certificates,
});

/** The types of the addresses an app was last seen to have. */
const typesSeen = (outputs: Properties): string[] => {
  const list = Array.isArray(outputs["assigned"]) ? outputs["assigned"] : [];
  return list.flatMap((one) =>
    typeof one === "object" && one !== null && !Array.isArray(one) ? [String(one["type"])] : [],
  );
};
const sorted = (list: unknown): string[] =>
  Array.isArray(list) ? [...new Set(list.map(String))].toSorted() : [];

/** An app at Fly with its addresses and certificates. Refreshing sees what was given back or deleted; deleting it deletes all that is in it. */
export const flyApp = (clock?: Clock): ResourceHandler => ({
  secretOutputs: ["token"],

  async diff(olds, news) {
    const changes = Object.entries(replacing(diffInputs(olds.inputs, news), ["app", "organization"])).filter(
      ([path]) => !flyWays.has(path),
    );
    const detailed = Object.fromEntries(changes);
    if (!isDeepStrictEqual(sorted(typesSeen(olds.outputs)), sorted(news["addresses"])))
      detailed["addresses"] ??= "update";
    if (!isDeepStrictEqual(sorted(olds.outputs["certified"]), sorted(news["certificates"])))
      detailed["certificates"] ??= "update";
    return { changes: Object.keys(detailed).length > 0, detailed };
  },

  async preview(news, old) {
    return {
      ...news,
      hostname: `${String(news["app"])}.fly.dev`,
      assigned: old?.["assigned"],
      certified: news["certificates"],
    };
  },

  async create(news, call) {
    const wanted = inputs.parse(news);
    const api = flyApi(wanted, call, clock);
    await makeApp(api, wanted);
    try {
      return { id: wanted.app, outputs: outputsOf(news, await furnishApp(api, wanted, [])) };
    } catch (error) {
      throw new PartialFailure(messageOf(error), wanted.app, { ...news, assigned: [], certified: [] });
    }
  },

  async update(_id, olds, news, call) {
    const wanted = inputs.parse(news);
    const had = sorted([...sorted(olds.inputs["certificates"]), ...sorted(olds.outputs["certified"])]);
    return outputsOf(news, await furnishApp(flyApi(wanted, call, clock), wanted, had));
  },

  async read(id, state, call) {
    const access = accessOf(id, state.inputs);
    const facts = await readApp(flyApi(access, call, clock), sorted(state.inputs["certificates"]));
    if (!facts) return undefined;
    const imported = {
      ...access,
      organization: facts.organization,
      addresses: sorted(facts.addresses.map(({ type }) => type)),
      certificates: [],
    };
    const known = Object.keys(state.inputs).length > 0 ? state.inputs : imported;
    return { inputs: known, outputs: outputsOf({ ...state.outputs, ...known }, facts), id: access.app };
  },

  async delete(id, state, call) {
    await flyApi(accessOf(id, state.inputs), call, clock).delete();
  },
});
