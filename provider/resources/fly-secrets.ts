import { createHash } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../deployer/clock.ts";
import type { FlyApi } from "../../deployer/fly/api.ts";
import { diffInputs, replacing } from "../framework/diff.ts";
import type { Properties, ResourceHandler, Value } from "../framework/types.ts";
import { accessOf, flyAccess, flyApi, flyWays } from "./fly-access.ts";

const inputs = flyAccess.extend({
  /** Content by the variable that the app finds it in. */
  values: z.record(z.string(), z.string()),
});

const mapOf = (value: Value): Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

/** Digests of those secrets that are this resource's; others of the app are somebody else's. */
async function digestsOf(api: FlyApi, names: readonly string[]): Promise<Record<string, string>> {
  const { secrets } = await api.secrets();
  return Object.fromEntries(
    secrets.filter(({ name }) => names.includes(name)).map(({ name, digest }) => [name, digest]),
  );
}

const outputsOf = (news: Properties, digests: Record<string, string>): Properties => ({
  ...news,
  digests,
  set: digests,
  revision: createHash("sha256")
    .update(JSON.stringify(Object.entries(digests).toSorted()))
    .digest("hex")
    .slice(0, 16),
});

/**
 * An app's secrets. Machines have them from their next release on, which takes `revision` as an input for that. Refreshing sees one that was
 * changed or removed elsewhere, by its digest: contents are nobody's to read.
 */
export const flySecrets = (clock?: Clock): ResourceHandler => ({
  secretOutputs: ["token", "values"],

  async diff(olds, news) {
    const changes = Object.entries(replacing(diffInputs(olds.inputs, news), ["app"])).filter(
      ([path]) => !flyWays.has(path),
    );
    const detailed = Object.fromEntries(changes);
    const [set, seen] = [mapOf(olds.outputs["set"]), mapOf(olds.outputs["digests"])];
    for (const name of Object.keys(mapOf(news["values"])))
      if (set[name] !== undefined && set[name] !== seen[name]) detailed[`values.${name}`] ??= "update";
    return { changes: Object.keys(detailed).length > 0, detailed };
  },

  async create(news, call) {
    const { values, ...access } = inputs.parse(news);
    const api = flyApi(access, call, clock);
    if (Object.keys(values).length > 0) await api.setSecrets(values);
    return { id: access.app, outputs: outputsOf(news, await digestsOf(api, Object.keys(values))) };
  },

  async update(_id, olds, news, call) {
    const { values, ...access } = inputs.parse(news);
    const api = flyApi(access, call, clock);
    const gone = Object.keys(mapOf(olds.inputs["values"])).filter((name) => !Object.hasOwn(values, name));
    const removed = Object.fromEntries(gone.map((name): [string, null] => [name, null]));
    if (Object.keys(values).length + gone.length > 0) await api.setSecrets({ ...removed, ...values });
    return outputsOf(news, await digestsOf(api, Object.keys(values)));
  },

  async read(id, state, call) {
    const access = accessOf(id, state.inputs);
    const api = flyApi(access, call, clock);
    if (!(await api.find())) return undefined;
    const known = Object.keys(state.inputs).length > 0 ? state.inputs : { ...access, values: {} };
    const digests = await digestsOf(api, Object.keys(mapOf(known["values"])));
    return {
      inputs: known,
      outputs: { ...outputsOf(known, digests), ...pick(state.outputs, "set", "revision"), digests },
    };
  },

  async delete(id, state, call) {
    const names = Object.keys(mapOf(state.inputs["values"]));
    const api = flyApi(accessOf(id, state.inputs), call, clock);
    if (names.length === 0 || !(await api.find())) return;
    await api.setSecrets(Object.fromEntries(names.map((name) => [name, null])));
  },
});

const pick = (from: Properties, ...names: string[]): Properties =>
  Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
