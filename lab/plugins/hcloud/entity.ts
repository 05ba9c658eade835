import type { Properties } from "../../../provider/framework/types.ts";
import { type Action, type Api, actionsOf, type Json } from "./api.ts";
import { labelFault, problem } from "./check.ts";
import { Gone, isRefusal, sdkWords } from "./errors.ts";
import type { CloudResource, Work } from "./resource.ts";
import { persist, TRIES, tolerating } from "./retry.ts";
import { type Attributes, same } from "./schema.ts";

/** Where a change of one property is sent. */
export interface Place {
  /** The resource's own path, e.g. "/volumes/7". */
  path: string;
  work: Work;
  old: Properties;
}

/** A resource of the older half that is ordered, read, changed property by property and deleted. */
export interface Entity<Found> {
  attributes: Attributes;
  /** Collection and name of the thing in answers, e.g. "volumes" and "volume". */
  collection: string;
  thing: string;
  /** What is not found by its id is looked for by a name that reads like it. */
  byName?: true;
  secrets?: readonly string[];
  validate?: CloudResource["validate"];
  /** The real provider leaves it to the cloud to look at labels. */
  anyLabels?: true;
  /** The order; ready-made where it is not a POST to the collection. */
  order(work: Work): Json | Promise<Json>;
  post?(body: Json, work: Work): Promise<Json>;
  /** Waits for what an order set off. Default: for its actions. */
  settle?(answer: Json, work: Work): Promise<void>;
  state(found: Found, old: Properties): Properties | undefined;
  /** What a change of each property sends, in the real provider's order. */
  changes: Record<string, (at: Place, found: Found) => Promise<void>>;
  /** The real provider changes without a look. */
  blindUpdate?: true;
  /** What holds on to it and has to be let go before a delete; that it is there means that the delete looks first. */
  release?(at: Place, found: Found): Promise<void>;
  /** Codes that mean it is gone already, and how often to try. */
  delete: { gone: readonly string[]; tries?: number };
}

/** The handler of such a resource. */
export function entity<Found>(is: Entity<Found>): CloudResource {
  const find = (id: string, { api, signal }: Pick<Work, "api" | "signal">) =>
    lookUp<Found>(is.collection, is.thing, id, api, signal, is.byName);
  const pathOf = (id: string) => `/${is.collection}/${id}`;

  return {
    half: "sdk",
    words: sdkWords,
    attributes: is.attributes,
    ...(is.secrets && { secrets: is.secrets }),
    validate(inputs, call) {
      const label = is.anyLabels ? undefined : labelFault(inputs.labels);
      const failures = label ? [problem(call.name, "labels", label.words)] : [];
      return [...failures, ...(is.validate?.(inputs, call) ?? [])];
    },

    async create(work, exists) {
      const { api, wanted, signal } = work;
      const body = await is.order(work);
      const answer = await (is.post?.(body, work) ?? api.post(`/${is.collection}`, body, signal));
      const id = String((answer[is.thing] as { id: number }).id);
      exists(id);
      await (is.settle?.(answer, work) ?? api.settle(actionsOf(answer), signal));
      if (wanted.deleteProtection) await protect({ path: pathOf(id), work, old: {} });
    },

    async read(id, old, work) {
      const found = await find(id, work);
      return found && is.state(found, old);
    },

    async update(id, old, work) {
      const found = is.blindUpdate ? ({} as Found) : await find(id, work);
      if (!found) throw new Gone();
      try {
        for (const [name, change] of Object.entries(is.changes)) {
          const attribute = is.attributes[name];
          if (attribute && !same(attribute, old[name], work.wanted[name]))
            await change({ path: pathOf(id), work, old }, found);
        }
      } catch (error) {
        throw isRefusal(error, "not_found") ? new Gone() : error;
      }
    },

    async delete(id, old, { api, signal, warn }) {
      const work: Work = { api, signal, warn, inputs: {}, wanted: {} };
      if (is.release) {
        const found = await find(id, work);
        if (!found) return;
        await is.release({ path: pathOf(id), work, old }, found);
      }
      await persist(api, signal, { tries: is.delete.tries ?? 1, again: () => true }, () =>
        tolerating(is.delete.gone, () => api.delete(pathOf(id), signal)),
      );
    },
  };
}

/** A thing by its id, undefined when there is none. */
export async function lookUp<Found>(
  collection: string,
  thing: string,
  id: string | number,
  api: Api,
  signal: AbortSignal,
  byName?: true,
): Promise<Found | undefined> {
  const byId = await api.find(`/${collection}/${id}`, signal);
  if (byId) return byId[thing] as Found;
  if (!byName) return undefined;
  const named = await api.get(`/${collection}?name=${encodeURIComponent(id)}`, signal);
  return (named[collection] as Found[])[0];
}

/** The labels of an order: left out where there are none. */
export function labelsBody(wanted: Properties): Json {
  const labels = (wanted.labels ?? {}) as Properties;
  return Object.keys(labels).length > 0 ? { labels } : {};
}

/** Puts one property under its own name, e.g. the changed name. */
export const put =
  (property: string, field: string = property) =>
  async ({ path, work: { api, wanted, signal } }: Place): Promise<void> => {
    await api.put(path, { [field]: wanted[property] ?? (property === "labels" ? {} : "") }, signal);
  };

/** Puts a description; the real provider cannot send an empty one, so that the cloud keeps the old. */
export async function putDescription({ path, work: { api, wanted, signal } }: Place): Promise<void> {
  const { description } = wanted;
  await api.put(path, description ? { description } : {}, signal);
}

/** Switches the protection against deletion to what is wanted. */
export async function protect({ path, work: { api, wanted, signal } }: Place): Promise<void> {
  await api.act(`${path}/actions/change_protection`, { delete: wanted.deleteProtection === true }, signal);
}

/** An action that is repeated whatever goes wrong, as the real provider repeats its attaching and detaching. */
export async function insist(path: string, body: Json | undefined, { api, signal }: Work): Promise<void> {
  await persist(api, signal, { tries: TRIES, again: () => true }, () =>
    tolerating(["not_found"], () => api.act(path, body, signal)),
  );
}

/** Waits for an order's action, then for each that follows from it. */
export async function settleInTurn(answer: Json, { api, signal }: Work): Promise<void> {
  await api.settle(actionsOf({ action: answer.action }), signal);
  for (const next of (answer.next_actions as Action[] | undefined) ?? []) await api.settle([next], signal);
}
