import type { CheckFailure, Properties, Value } from "../../../provider/framework/types.ts";
import type { CloudResource } from "./resource.ts";
import { type Attribute, type Attributes, isSet } from "./schema.ts";

/** Inputs of a type that do not fit its table: unknown names, missing ones, wrong types. `name` is the resource's own. */
export function tableFailures(
  { half, attributes }: Pick<CloudResource, "half" | "attributes">,
  inputs: Properties,
  name: string,
): CheckFailure[] {
  const missing = half === "sdk" ? argumentMissing : propertyMissing;
  const removed = Object.entries(attributes).flatMap(([key, { removed: words }]) =>
    words && isSet(inputs, key) ? [problem(name, key, `Removed Attribute. ${words}`)] : [],
  );
  return [...removed, ...blockFailures(attributes, inputs, [], (path) => missing(name, path))];
}

/** In the words of the real provider's older half. */
function argumentMissing(name: string, path: Path): CheckFailure {
  const argument = path.map((part) => (typeof part === "number" ? part : snake(part))).join(".");
  return problem(
    name,
    joined(path),
    `Missing required argument. The argument "${argument}" is required, but no definition was found.`,
  );
}

/** In the words of its newer half, which says more of the property than is known here. */
function propertyMissing(_name: string, path: Path): CheckFailure {
  const words = path.filter((part) => typeof part !== "number").join(".");
  return { property: "", reason: `Missing required property '${words}'` };
}

type Path = (string | number)[];
type Missing = (path: Path) => CheckFailure;

function joined(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text ? `${text}.${part}` : part),
    "",
  );
}

/** A property as the real provider's own schema names it. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function blockFailures(
  attributes: Attributes,
  inputs: Properties,
  at: Path,
  missing: Missing,
): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [name, value] of Object.entries(inputs)) {
    if (name === "__defaults" || value === null) continue;
    const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (!attribute || attribute.output)
      failures.push({
        property: joined([...at, name]),
        reason: "the lab's stand-in for hcloud does not know this input",
      });
    else failures.push(...misfits([...at, name], attribute, value, missing));
  }
  for (const [name, attribute] of Object.entries(attributes))
    if (attribute.required && !isSet(inputs, name)) failures.push(missing([...at, name]));
  return failures;
}

const WANTED: Record<Attribute["kind"], string> = {
  text: "a text",
  number: "a whole number",
  boolean: "true or false",
  labels: "a map of texts",
  texts: "a list of texts",
  numbers: "a list of whole numbers",
  block: "a block",
  blocks: "a list of blocks",
};

function misfits(path: Path, attribute: Attribute, value: Value, missing: Missing): CheckFailure[] {
  if (value === undefined) return [];
  const words = `${WANTED[attribute.kind]} is needed, this is ${JSON.stringify(value)}`;
  const misfit = [{ property: joined(path), reason: words }];
  const each = (kind: Attribute["kind"]) =>
    Array.isArray(value)
      ? value.flatMap((one, index) => misfits([...path, index], { ...attribute, kind }, one, missing))
      : misfit;
  switch (attribute.kind) {
    case "text":
      return typeof value === "string" || typeof value === "number" ? [] : misfit;
    case "number":
      return Number.isInteger(value) || (typeof value === "string" && /^\d+$/.test(value)) ? [] : misfit;
    case "boolean":
      return typeof value === "boolean" ? [] : misfit;
    case "texts":
      return each("text");
    case "numbers":
      return each("number");
    case "blocks":
      return each("block");
    case "labels":
      if (!isMap(value)) return misfit;
      return Object.entries(value).flatMap(([key, text]) =>
        misfits([...path, key], { kind: "text" }, text, missing),
      );
    case "block":
      return isMap(value) ? blockFailures(attribute.block ?? {}, value, path, missing) : misfit;
  }
}

function isMap(value: Value): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fault of a label map, in hcloud-go's words; undefined when it is well formed. */
export function labelFault(labels: Value): { key: string; words: string } | undefined {
  if (!isMap(labels)) return undefined;
  for (const [key, value] of Object.entries(labels)) {
    if (
      !/^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(
        key,
      )
    )
      return { key, words: `label key '${key}' is not correctly formatted` };
    if (typeof value === "string" && !/^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(value))
      return { key, words: `label value '${value}' (key: ${key}) is not correctly formatted` };
  }
  return undefined;
}

/** A fault in the words of the provider's older half. */
export function problem(name: string, at: string, words: string): CheckFailure {
  return { property: "", reason: `${words}. Examine values at '${name}.${at}'.` };
}
