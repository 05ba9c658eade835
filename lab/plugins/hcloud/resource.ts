import { randomBytes } from "node:crypto";
import { PartialFailure } from "../../../provider/framework/errors.ts";
import type {
  CallContext,
  CheckFailure,
  Properties,
  ResourceHandler,
} from "../../../provider/framework/types.ts";
import type { Api } from "./api.ts";
import { tableFailures } from "./check.ts";
import type { Step, Words } from "./errors.ts";
import { type Attributes, changes, isSet, plan, same } from "./schema.ts";

/** What a step of a resource's life works with. */
export interface Work {
  api: Api;
  /** What the program wrote. */
  inputs: Properties;
  /** The state it asks for. */
  wanted: Properties;
  signal: AbortSignal;
  warn(message: string): void;
}

/** One resource type of the real provider: its table, and the requests it sends. */
export interface CloudResource {
  /** The older SDK's resources and the plugin framework's differ in names, replacement order and the wording of errors. */
  half: "sdk" | "framework";
  words: Words;
  attributes: Attributes;
  /** Inputs of the real resource that the stand-in does not have. */
  leftOut?: readonly string[];
  /** What the table cannot say; a property of "" speaks for the whole resource. `call` gives the resource's name. */
  validate?(inputs: Properties, call: CallContext): CheckFailure[];
  /**
   * Orders it; `exists` is told the id as soon as there is something to remember. Returns the cloud's side of the state
   * where an answer had it; otherwise it is read.
   */
  create(work: Work, exists: (id: string) => void): Promise<Properties | undefined>;
  /** The cloud's side of the state, or undefined when it is gone. */
  read(id: string, old: Properties, work: Pick<Work, "api" | "signal">): Promise<Properties | undefined>;
  /** Returns what `create` returns. */
  update(id: string, old: Properties, work: Work): Promise<Properties | undefined>;
  delete(id: string, old: Properties, work: Pick<Work, "api" | "signal" | "warn">): Promise<void>;
}

/** The provider's handler of a resource type. `api` is asked for at each call, since it is configured later. */
export function handler(resource: CloudResource, api: () => Api): ResourceHandler {
  const { attributes, half } = resource;

  const worded = (step: Step, urn: string, error: unknown): Error =>
    new Error(resource.words.plain(step, urn, asError(error)));

  const worker = (inputs: Properties, wanted: Properties, call: CallContext): Work => ({
    api: api(),
    inputs,
    wanted,
    signal: call.signal,
    warn: (message) => call.log("warning", message),
  });

  /** The state after a create or an update: what the cloud says, and what only the program knows. */
  const stateAfter = async (id: string, work: Work, answer: Properties | undefined): Promise<Properties> => {
    const found = answer ?? (await resource.read(id, work.wanted, work));
    if (!found) throw new Error(`${id} is gone, right after it was made or changed`);
    return { ...known(work.wanted), ...found, ...sticky(work), id };
  };

  /**
   * The real provider's older half keeps an unordered list as it was asked for, whatever the cloud answers: a rule
   * change that failed, or was never sent, is taken for done until a refresh.
   */
  const sticky = ({ inputs, wanted }: Work): Properties => {
    if (half !== "sdk") return {};
    const kept = Object.entries(attributes).filter(
      ([name, { unordered, computed }]) => unordered && (!computed || isSet(inputs, name)),
    );
    return Object.fromEntries(kept.map(([name]) => [name, wanted[name]]));
  };

  return {
    async check(written, olds, call) {
      const inputs = named(half, withoutNulls(written), olds, call.name);
      const failures = tableFailures(attributes, resource.leftOut ?? [], inputs);
      if (failures.length === 0) failures.push(...(resource.validate?.(inputs, call) ?? []));
      return { inputs, failures };
    },

    async diff(olds, news) {
      const detailed = changes(attributes, news, olds.outputs);
      const replaces = Object.values(detailed).some((kind) => kind.endsWith("-replace"));
      return {
        changes: Object.keys(detailed).length > 0,
        detailed,
        deleteBeforeReplace: replaces && half === "sdk" && keepsItsName(olds.inputs, news),
      };
    },

    async preview(inputs, old) {
      return { ...plan(attributes, inputs, old), id: old?.id };
    },

    async create(inputs, call) {
      const work = worker(inputs, plan(attributes, inputs, undefined), call);
      let id: string | undefined;
      try {
        const answer = await resource.create(work, (made) => {
          id = made;
        });
        if (id === undefined) throw new Error("created without an id");
        return { id, outputs: await stateAfter(id, work, answer) };
      } catch (error) {
        if (id === undefined) throw worded("creating", call.urn, error);
        const message = resource.words.partial("creating", call.urn, asError(error));
        throw new PartialFailure(message, id, { ...known(work.wanted), id });
      }
    },

    async update(id, olds, news, call) {
      const work = worker(news, plan(attributes, news, olds.outputs), call);
      try {
        const answer = await resource.update(id, olds.outputs, work);
        return await stateAfter(id, work, answer);
      } catch (error) {
        if (half !== "sdk") throw worded("updating", call.urn, error);
        const message = resource.words.partial("updating", call.urn, asError(error));
        throw new PartialFailure(message, id, { ...olds.outputs, ...sticky(work) });
      }
    },

    async read(id, state, call) {
      const { inputs, outputs } = state;
      const found = await resource.read(id, outputs, { api: api(), signal: call.signal });
      if (!found) return undefined;
      const now = { ...blank(attributes), ...outputs, ...found, id };
      return { outputs: now, inputs: inputsOf(attributes, inputs, outputs, now) };
    },

    async delete(id, state, call) {
      try {
        await resource.delete(id, state.outputs, worker({}, {}, call));
      } catch (error) {
        throw worded("deleting", call.urn, error);
      }
    },
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function withoutNulls(inputs: Properties): Properties {
  return Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== null));
}

/** A resource without a name gets `<logical>-<7 hex>` and keeps it; `__defaults` remembers whose the name is. */
function named(
  half: CloudResource["half"],
  inputs: Properties,
  olds: Properties,
  logical: string,
): Properties {
  const own = Object.hasOwn(inputs, "name");
  const name = own ? inputs.name : (olds.name ?? `${logical}-${randomBytes(4).toString("hex").slice(0, 7)}`);
  return half === "sdk" ? { ...inputs, name, __defaults: own ? [] : ["name"] } : { ...inputs, name };
}

/** Two resources cannot share a name, so one with a name of its own has to go before its successor comes. */
function keepsItsName(olds: Properties, news: Properties): boolean {
  const generated = Array.isArray(news.__defaults) && news.__defaults.includes("name");
  return !generated && olds.name === news.name;
}

/** What a plan knows; the rest has not come to be. */
function known(wanted: Properties): Properties {
  return Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => [name, value === undefined ? null : value]),
  );
}

/** The program's side of a state that comes from an import. */
function blank(attributes: Attributes): Properties {
  return known(plan(attributes, {}, undefined));
}

/** Inputs after a refresh: as they were where nothing drifted, else what the cloud has. Of an import: what is set. */
function inputsOf(attributes: Attributes, inputs: Properties, old: Properties, now: Properties): Properties {
  const imported = Object.keys(inputs).length === 0;
  const found: Properties = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute.output) continue;
    if (imported) {
      const unset = same(attribute, attribute.default ?? null, now[name]);
      if (!unset) found[name] = now[name];
    } else if (Object.hasOwn(inputs, name)) {
      found[name] = same(attribute, old[name], now[name]) ? inputs[name] : now[name];
    }
  }
  if (inputs.__defaults !== undefined) found.__defaults = inputs.__defaults;
  return found;
}
