import type { DiffKind, Properties, Value } from "../../../provider/framework/types.ts";

/** One property of a resource, as the real provider's schema has it. */
export interface Attribute {
  kind: "text" | "number" | "boolean" | "labels" | "texts" | "numbers" | "block" | "blocks";
  /** Only the cloud sets it. */
  output?: true;
  required?: true;
  /** Left unset, it keeps whatever the cloud has. */
  computed?: true;
  default?: Value;
  /** A planned update leaves it open what it will be, where the program does not say. */
  unsettled?: true;
  /** A change replaces the resource. */
  replaces?: true;
  /** The order of a list does not count. */
  unordered?: true;
  /** The properties of a block, or of each block of a list. */
  block?: Record<string, Attribute>;
  /** How a value is kept in the state, where that differs from how it is written. */
  kept?: (value: Value) => Value;
  /** Says that a difference is none. */
  ignores?: (was: Value, inputs: Properties) => boolean;
  /** What a value that was never set looks like in the state. Default: null, or an empty list. */
  unset?: Value;
  /** The texts that are allowed. */
  oneOf?: readonly string[];
  /** The least and the greatest number that is allowed. */
  range?: readonly [number, number];
  /** How many elements a list needs. */
  least?: number;
  /** There is a better way; an import does not tell programs of it. */
  deprecated?: true;
  /** Why it must not be set any more. */
  removed?: string;
}

/** The word for the property that the cloud no longer knows. */
export const DATACENTER_REMOVED =
  "The datacenter attribute is marked for removal, you must use the location attribute instead. See https://docs.hetzner.cloud/changelog#2026-07-01-removing-datacenters.";

export type Attributes = Record<string, Attribute>;

/** The state the inputs ask for; undefined where it is not known yet. `old` is the state now, if there is one. */
export function plan(attributes: Attributes, inputs: Properties, old: Properties | undefined): Properties {
  const planned: Properties = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (isSet(inputs, name)) planned[name] = keep(attribute, inputs[name], old?.[name]);
    else if (attribute.output || attribute.computed)
      planned[name] = old ? (old[name] ?? null) : attribute.unset;
    else planned[name] = unsetValue(attribute, old?.[name]);
  }
  return planned;
}

/** Whether the program says something about a property, be it unknown. */
export function isSet(inputs: Properties, name: string): boolean {
  return Object.hasOwn(inputs, name) && inputs[name] !== null;
}

function unsetValue(attribute: Attribute, was: Value): Value {
  if (attribute.default !== undefined) return attribute.default;
  // The cloud has its own way of writing that there is nothing.
  if (was !== undefined && isEmpty(was)) return was;
  // Labels, and elements, that were taken away leave nothing but their container behind.
  if (attribute.kind === "labels" && was) return {};
  if (Array.isArray(was)) return [];
  if (attribute.unset !== undefined) return attribute.unset;
  return attribute.kind === "blocks" ? [] : null;
}

function keep(attribute: Attribute, value: Value, was: Value): Value {
  if (value === undefined) return undefined;
  const block = attribute.block ?? {};
  switch (attribute.kind) {
    case "block":
      return keepBlock(block, value as Properties, (was ?? undefined) as Properties | undefined);
    case "blocks": {
      const olds = Array.isArray(was) ? (was as Properties[]) : [];
      return (value as Properties[]).map((one, index) =>
        keepBlock(block, one, attribute.unordered ? olds.find((old) => fits(block, one, old)) : olds[index]),
      );
    }
    case "texts":
      return attribute.kept ? (value as Value[]).map(attribute.kept) : value;
    case "numbers":
      return (value as Value[]).map(numeric);
    case "number":
      return numeric(value);
    default: {
      const text = attribute.kind === "text" && typeof value === "number" ? String(value) : value;
      return attribute.kept ? attribute.kept(text) : text;
    }
  }
}

function keepBlock(attributes: Attributes, block: Properties, was: Properties | undefined): Properties {
  if (block === undefined) return block;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, attribute]) => {
      if (isSet(block, name)) return [name, keep(attribute, block[name], was?.[name])];
      const old = was?.[name];
      if (attribute.output || attribute.computed) return [name, old];
      if (attribute.default !== undefined) return [name, attribute.default];
      return [name, old !== undefined && isEmpty(old) ? old : emptyOf(attribute)];
    }),
  );
}

/** Whether an old block is the one a program's block speaks of. */
function fits(attributes: Attributes, block: Properties, old: Properties): boolean {
  return Object.entries(attributes).every(([name, attribute]) => {
    if (attribute.output || (attribute.computed && !isSet(block, name))) return true;
    const now = isSet(block, name) ? keep(attribute, block[name], old[name]) : attribute.default;
    return same(attribute, old[name], now ?? null);
  });
}

/** What a plan knows; the rest has not come to be. */
export function known(attributes: Attributes, wanted: Properties): Properties {
  const settled = (attribute: Attribute, value: Value): Value => {
    if (value === undefined) return emptyOf(attribute);
    if (attribute.kind !== "block" && attribute.kind !== "blocks") return value;
    const settle = (block: Properties) =>
      Object.fromEntries(
        Object.entries(block).map(([key, inner]) => [
          key,
          settled(attribute.block?.[key] ?? { kind: "text" }, inner),
        ]),
      );
    if (Array.isArray(value)) return value.map((block) => settle(block as Properties));
    return value && settle(value as Properties);
  };
  return Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => [
      name,
      value === undefined ? unmade(attributes[name]) : settled(attributes[name] ?? { kind: "text" }, value),
    ]),
  );
}

/** A list whose order does not count is never quite unset. */
function unmade(attribute: Attribute | undefined): Value {
  return attribute?.unordered ? [] : null;
}

/** The empty value of a type. */
export function emptyOf({ kind, unset }: Attribute): Value {
  return unset === undefined ? empties[kind] : unset;
}

const empties: Record<Attribute["kind"], Value> = {
  text: "",
  number: 0,
  boolean: false,
  labels: {},
  texts: [],
  numbers: [],
  block: null,
  blocks: [],
};

/** Ids are texts in Pulumi and numbers at Hetzner; the real provider takes either. */
function numeric(value: Value): Value {
  return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
}

/** What an update has to change. */
export function changes(
  attributes: Attributes,
  inputs: Properties,
  old: Properties,
): Record<string, DiffKind> {
  const wanted = plan(attributes, inputs, old);
  const found: Record<string, DiffKind> = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute.output || (attribute.computed && !isSet(inputs, name))) continue;
    const [was, now] = [old[name], wanted[name]];
    if (same(attribute, was, now) || attribute.ignores?.(was, inputs)) continue;
    const within = now === undefined || !was ? {} : changesWithin(name, attribute, was, now);
    if (Object.keys(within).length > 0) Object.assign(found, within);
    else found[name] = `${kindOf(was, now)}${attribute.replaces ? "-replace" : ""}` as DiffKind;
  }
  return found;
}

function kindOf(was: Value, now: Value): DiffKind {
  if (now !== undefined && (now === null || isEmptyList(now))) return "delete";
  return was === null || was === undefined || isEmptyList(was) ? "add" : "update";
}

/** Labels, and the properties of a single block, are named one by one. */
function changesWithin(name: string, attribute: Attribute, was: Value, now: Value): Record<string, DiffKind> {
  if (attribute.kind === "labels") return labelChanges(name, was, now);
  if (attribute.kind !== "block" || !now) return {};
  const found: Record<string, DiffKind> = {};
  for (const [key, inner] of Object.entries(attribute.block ?? {})) {
    const [before, after] = [(was as Properties)[key], (now as Properties)[key]];
    if (same(inner, before, after)) continue;
    const deeper =
      after === undefined || !before ? {} : changesWithin(`${name}.${key}`, inner, before, after);
    if (Object.keys(deeper).length > 0) Object.assign(found, deeper);
    else found[`${name}.${key}`] = kindOf(before, after);
  }
  return found;
}

function labelChanges(name: string, was: Value, now: Value): Record<string, DiffKind> {
  const [olds, news] = [(was ?? {}) as Properties, (now ?? {}) as Properties];
  const found: Record<string, DiffKind> = {};
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    const path = /^[A-Za-z_]\w*$/.test(key) ? `${name}.${key}` : `${name}[${JSON.stringify(key)}]`;
    if (!Object.hasOwn(news, key)) found[path] = "delete";
    else if (!Object.hasOwn(olds, key)) found[path] = "add";
    else if (olds[key] !== news[key]) found[path] = "update";
  }
  return found;
}

/** Whether two values of a property mean the same; what is not known yet equals nothing. */
export function same(attribute: Attribute, was: Value, now: Value): boolean {
  if (hasUnknown(now)) return false;
  if (isEmpty(was) && isEmpty(now)) return true;
  return canonical(attribute, was) === canonical(attribute, now);
}

function isEmptyList(value: Value): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** The old SDK cannot tell "not set" from the empty value of a type. */
function isEmpty(value: Value): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    value === 0 ||
    value === false ||
    isEmptyList(value)
  );
}

/** Whether anything within a value is not known yet. */
export function hasUnknown(value: Value): boolean {
  if (value === undefined) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}

function canonical(attribute: Attribute, value: Value): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) {
    const elements = value.map((element) => canonicalElement(attribute, element));
    return JSON.stringify(attribute.unordered ? elements.toSorted() : elements);
  }
  return canonicalElement(attribute, value);
}

function canonicalElement(attribute: Attribute, value: Value): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  const set = Object.entries(value as Properties).filter(([, inner]) => inner !== null);
  const entries = set.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(
    entries.map(([key, inner]) => [key, canonical(attribute.block?.[key] ?? { kind: "text" }, inner)]),
  );
}
