import { randomBytes } from "node:crypto";
import { PartialFailure } from "../../../provider/framework/errors.ts";
import type {
  CallContext,
  CheckFailure,
  Properties,
  ResourceHandler,
  Value,
} from "../../../provider/framework/types.ts";
import type { Api } from "./api.ts";
import { tableFailures } from "./check.ts";
import { Gone, type Step, type Words } from "./errors.ts";
import {
  type Attribute,
  type Attributes,
  changes,
  emptyOf,
  hasUnknown,
  isSet,
  known,
  plan,
  same,
} from "./schema.ts";

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
  /** Properties that are always secret. */
  secrets?: readonly string[];
  /** The real resource takes a failed update for done until a refresh. */
  forgetsFailure?: true;
  /** What the table cannot say; a property of "" speaks for the whole resource. `call` gives the resource's name. */
  validate?(inputs: Properties, call: CallContext): CheckFailure[];
  /**
   * Orders it; `exists` is told the id as soon as there is something to remember. Returns the cloud's side of the state
   * where an answer had it; otherwise it is read.
   */
  create(work: Work, exists: (id: string) => void): Promise<Properties | undefined>;
  /** The cloud's side of the state, or undefined when it is gone; an `id` in it says that it is known by another. */
  read(id: string, old: Properties, work: Pick<Work, "api" | "signal">): Promise<Properties | undefined>;
  /** Returns what `create` returns; throws `Gone` when there is nothing to change. */
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
  const stateAfter = async (
    id: string,
    work: Work,
    old: Properties,
    answer: Properties | undefined,
  ): Promise<Properties> => {
    const found = answer ?? (await resource.read(id, work.wanted, work));
    if (!found) throw new Error(`${id} is gone, right after it was made or changed`);
    const made = { ...known(attributes, work.wanted), ...found, ...sticky(work), id };
    return half === "sdk" ? unset(attributes, work.wanted, old, made) : withoutNulls(made);
  };

  /**
   * The real provider's older half keeps an unordered list as it was asked for, whatever the cloud answers: a rule
   * change that failed, or was never sent, is taken for done until a refresh.
   */
  const sticky = ({ wanted }: Work): Properties => {
    if (half !== "sdk") return {};
    const kept = Object.entries(attributes).filter(
      ([name, { unordered }]) => unordered && !hasUnknown(wanted[name]),
    );
    return Object.fromEntries(kept.map(([name]) => [name, wanted[name]]));
  };

  return {
    ...(resource.secrets && { secretOutputs: resource.secrets }),

    async check(written, olds, call) {
      const inputs = named(resource, withoutNulls(written), olds, call.name);
      const failures = tableFailures(resource, inputs, call.name);
      if (failures.length === 0) failures.push(...(resource.validate?.(inputs, call) ?? []));
      return { inputs, failures };
    },

    async diff(olds, news) {
      const detailed = changes(attributes, news, olds.outputs);
      const replaces = Object.values(detailed).some((kind) => kind.endsWith("-replace"));
      return {
        changes: Object.keys(detailed).length > 0,
        detailed,
        deleteBeforeReplace: replaces && half === "sdk" && namedByProgram(attributes, news),
      };
    },

    async preview(inputs, old) {
      const shown: Properties = { ...plan(attributes, inputs, old), id: old?.id };
      if (half === "sdk") return shown;
      for (const [name, { unsettled }] of Object.entries(attributes))
        if (unsettled && !isSet(inputs, name)) shown[name] = undefined;
      return withoutNulls(shown);
    },

    async create(inputs, call) {
      const work = worker(inputs, plan(attributes, inputs, undefined), call);
      let id: string | undefined;
      try {
        const answer = await resource.create(work, (made) => {
          id = made;
        });
        if (id === undefined) throw new Error("created without an id");
        return { id, outputs: await stateAfter(id, work, {}, answer) };
      } catch (error) {
        if (error instanceof Gone) throw new Error(error.words("creating", call.urn));
        // The newer half forgets what it has begun, as the real one does.
        if (id === undefined || half === "framework") throw worded("creating", call.urn, error);
        const message = resource.words.partial("creating", call.urn, asError(error));
        throw new PartialFailure(message, id, { ...known(attributes, work.wanted), id });
      }
    },

    async update(id, olds, news, call) {
      const work = worker(news, plan(attributes, news, olds.outputs), call);
      try {
        const answer = await resource.update(id, olds.outputs, work);
        return await stateAfter(id, work, olds.outputs, answer);
      } catch (error) {
        if (error instanceof Gone) throw new Error(error.words("updating", call.urn));
        if (half !== "sdk") throw worded("updating", call.urn, error);
        const message = resource.words.partial("updating", call.urn, asError(error));
        const kept = resource.forgetsFailure ? known(attributes, work.wanted) : sticky(work);
        throw new PartialFailure(message, id, { ...olds.outputs, ...kept });
      }
    },

    async read(id, state, call) {
      const { inputs, outputs } = state;
      const found = await resource.read(id, outputs, { api: api(), signal: call.signal });
      if (!found) return undefined;
      const imported = Object.keys(inputs).length === 0;
      const whole = { ...(imported ? blank(resource) : {}), ...outputs, id, ...found };
      const now = half === "sdk" ? whole : withoutNulls(whole);
      return { id: String(now.id), outputs: now, inputs: inputsOf(resource, inputs, outputs, now) };
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

/** Blocks lose their nulls, too. */
function withoutNulls(properties: Properties): Properties {
  const bare = (value: Value): Value => {
    if (Array.isArray(value)) return value.map(bare);
    return typeof value === "object" && value !== null ? withoutNulls(value) : value;
  };
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, bare(value)]),
  );
}

/** A resource without a name gets `<logical>-<7 hex>` and keeps it; `__defaults` remembers whose the name is. */
function named(
  { half, attributes }: CloudResource,
  inputs: Properties,
  olds: Properties,
  logical: string,
): Properties {
  const own = Object.hasOwn(inputs, "name") || !("name" in attributes);
  const made = () => olds.name ?? `${logical}-${randomBytes(4).toString("hex").slice(0, 7)}`;
  const full = own ? inputs : { ...inputs, name: made() };
  return half === "sdk" ? { ...full, __defaults: own ? [] : ["name"] } : full;
}

/** Two resources cannot share a name, so one with a name of its own has to go before its successor comes. */
function namedByProgram(attributes: Attributes, news: Properties): boolean {
  const { __defaults: defaults } = news;
  return "name" in attributes && Array.isArray(defaults) && !defaults.includes("name");
}

/**
 * How the older half keeps what the program does not set: labels and lists that never were stay unset, and other values
 * that were taken away are the empty ones of their type.
 */
function unset(attributes: Attributes, asked: Properties, old: Properties, made: Properties): Properties {
  const kept = { ...made };
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute.computed || attribute.output || asked[name] !== null) continue;
    const value = made[name] ?? null;
    const never = attribute.kind === "labels" || (old[name] ?? null) === null;
    if (never && value && typeof value === "object" && Object.keys(value).length === 0) kept[name] = null;
    else if (value === null && (old[name] ?? null) !== null) kept[name] = emptyOf(attribute);
  }
  return kept;
}

/** The program's side of a state that comes from an import; the older half knows no defaults there. */
function blank({ half, attributes }: CloudResource): Properties {
  const asked = known(attributes, plan(attributes, {}, undefined));
  if (half === "framework") return asked;
  return Object.fromEntries(
    Object.entries(asked).map(([name, value]) => [name, attributes[name]?.default === value ? null : value]),
  );
}

/** A value as a program would write it: blocks without what is empty in them. */
function sparse(attribute: Attribute, value: Value): Value {
  if (Array.isArray(value) && attribute.kind === "blocks")
    return value.map((one) => sparse({ ...attribute, kind: "block" }, one));
  if (attribute.kind !== "block" || !value) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const its = attribute.block?.[name];
      return !its || its.output || same(its, its.default ?? null, inner) ? [] : [[name, sparse(its, inner)]];
    }),
  );
}

/** Whether an import tells the program of a value. The older half leaves out its defaults, and tells of those it did not read. */
function isImported(half: CloudResource["half"], attribute: Attribute, value: Value): boolean {
  if (attribute.deprecated) return false;
  if (half === "framework") return !same(attribute, null, value);
  const unread = attribute.default !== undefined && value === null;
  return unread || !same(attribute, attribute.default ?? null, value);
}

/** Inputs after a refresh: as they were where nothing drifted, else what the cloud has. Of an import: what is set. */
function inputsOf(
  { half, attributes }: CloudResource,
  inputs: Properties,
  old: Properties,
  now: Properties,
): Properties {
  const imported = Object.keys(inputs).length === 0;
  const found: Properties = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute.output) continue;
    if (imported) {
      if (isImported(half, attribute, now[name])) found[name] = sparse(attribute, now[name]);
    } else if (Object.hasOwn(inputs, name)) {
      found[name] = same(attribute, old[name], now[name]) ? inputs[name] : now[name];
    }
  }
  if (inputs.__defaults !== undefined) found.__defaults = inputs.__defaults;
  return found;
}
