import type { CheckFailure, Properties, Value } from "../../../provider/framework/types.ts";
import { standInRefusal } from "../notice.ts";
import { type Attribute, type Attributes, isSet } from "./schema.ts";

/** Inputs of a type that do not fit its table: unknown names, missing ones, wrong types. */
export function tableFailures(
  attributes: Attributes,
  leftOut: readonly string[],
  inputs: Properties,
): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [name, value] of Object.entries(inputs)) {
    if (name === "__defaults" || value === null) continue;
    const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (leftOut.includes(name)) failures.push({ property: name, reason: standInRefusal("hcloud", name) });
    else if (!attribute || attribute.output)
      failures.push({ property: name, reason: "the lab's stand-in for hcloud does not know this input" });
    else failures.push(...misfits(name, attribute, value));
  }
  for (const [name, attribute] of Object.entries(attributes))
    if (attribute.required && !isSet(inputs, name))
      failures.push({
        property: "",
        reason: `Missing required argument. The argument "${name}" is required, but no definition was found`,
      });
  return failures;
}

const WANTED: Record<Attribute["kind"], string> = {
  text: "a text",
  number: "a whole number",
  boolean: "true or false",
  labels: "a map of texts",
  texts: "a list of texts",
  numbers: "a list of whole numbers",
  blocks: "a list of blocks",
};

function misfits(path: string, attribute: Attribute, value: Value): CheckFailure[] {
  if (value === undefined) return [];
  const misfit = [
    { property: path, reason: `${WANTED[attribute.kind]} is needed, this is ${JSON.stringify(value)}` },
  ];
  const each = (kind: Attribute["kind"]) =>
    Array.isArray(value)
      ? value.flatMap((element, index) => misfits(`${path}[${index}]`, { ...attribute, kind }, element))
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
    case "labels":
      if (!isMap(value)) return misfit;
      return Object.entries(value).flatMap(([key, text]) =>
        misfits(`${path}.${key}`, { kind: "text" }, text),
      );
    case "blocks":
      if (!Array.isArray(value)) return misfit;
      return value.flatMap((block, index) => blockMisfits(`${path}[${index}]`, attribute.block ?? {}, block));
  }
}

function blockMisfits(path: string, attributes: Attributes, block: Value): CheckFailure[] {
  if (block === undefined) return [];
  if (!isMap(block))
    return [{ property: path, reason: `a block is needed, this is ${JSON.stringify(block)}` }];
  return tableFailures(attributes, [], block).map(({ property, reason }) => ({
    property: property ? `${path}.${property}` : path,
    reason,
  }));
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
