import type { CheckFailure, Properties, Value } from "../../../provider/framework/types.ts";
import type { CloudResource } from "./resource.ts";
import { type Attribute, type Attributes, isSet } from "./schema.ts";

/** Whose inputs are looked at. */
interface Subject {
  half: CloudResource["half"];
  /** The resource's own name. */
  name: string;
}

/** Inputs of a type that do not fit its table: unknown names, missing ones, wrong types. */
export function tableFailures(
  { half, attributes }: Pick<CloudResource, "half" | "attributes">,
  inputs: Properties,
  name: string,
): CheckFailure[] {
  const removed = Object.entries(attributes).flatMap(([key, { removed: words }]) =>
    words && isSet(inputs, key) ? [problem(name, key, `Removed Attribute. ${words}`)] : [],
  );
  return [...removed, ...blockFailures(attributes, inputs, [], { half, name })];
}

/** The way to a value; the block a property has just one of is `ONLY`. */
type Path = (string | number)[];
const ONLY = -1;

/** As the program writes it: "rules[0].port". */
function written(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (part === ONLY) return text;
    if (typeof part === "number") return `${text}[${part}]`;
    return text ? `${text}.${part}` : part;
  }, "");
}

/** As the real provider's own schema has it: "rule.0.port". */
function argument(path: Path): string {
  return path.map((part) => (typeof part === "number" ? Math.max(part, 0) : snake(part))).join(".");
}

/** A property as the real provider's own schema names it. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function missing(path: Path, { half, name }: Subject): CheckFailure {
  if (half === "framework") {
    const words = path.filter((part) => typeof part !== "number").join(".");
    return { property: "", reason: `Missing required property '${words}'` };
  }
  return problem(
    name,
    written(path),
    `Missing required argument. The argument "${argument(path)}" is required, but no definition was found.`,
  );
}

function blockFailures(
  attributes: Attributes,
  inputs: Properties,
  at: Path,
  subject: Subject,
): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [name, value] of Object.entries(inputs)) {
    if (name === "__defaults" || value === null) continue;
    const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (!attribute || attribute.output)
      failures.push({
        property: written([...at, name]),
        reason: "the lab's stand-in for hcloud does not know this input",
      });
    else failures.push(...misfits([...at, name], attribute, value, subject));
  }
  for (const [name, attribute] of Object.entries(attributes))
    if (attribute.required && !isSet(inputs, name)) failures.push(missing([...at, name], subject));
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

function misfits(path: Path, attribute: Attribute, value: Value, subject: Subject): CheckFailure[] {
  if (value === undefined) return [];
  const words = `${WANTED[attribute.kind]} is needed, this is ${JSON.stringify(value)}`;
  const misfit = [{ property: written(path), reason: words }];
  const each = (kind: Attribute["kind"]) =>
    Array.isArray(value)
      ? [
          ...shortfall(path, attribute, value, subject),
          ...value.flatMap((one, index) => misfits([...path, index], { ...attribute, kind }, one, subject)),
        ]
      : misfit;
  switch (attribute.kind) {
    case "text":
      if (typeof value === "string" || typeof value === "number")
        return foreignWord(path, attribute, value, subject);
      return misfit;
    case "number":
      if (Number.isInteger(value) || (typeof value === "string" && /^\d+$/.test(value)))
        return outOfRange(path, attribute, Number(value), subject);
      return misfit;
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
        misfits([...path, key], { kind: "text" }, text, subject),
      );
    case "block": {
      const at = typeof path.at(-1) === "number" ? path : [...path, ONLY];
      return isMap(value) ? blockFailures(attribute.block ?? {}, value, at, subject) : misfit;
    }
  }
}

function foreignWord(path: Path, { oneOf }: Attribute, value: Value, { name }: Subject): CheckFailure[] {
  if (!oneOf || oneOf.includes(String(value))) return [];
  const words = `[${oneOf.map((word) => JSON.stringify(word)).join(" ")}]`;
  return [
    problem(name, written(path), `expected ${argument(path)} to be one of ${words}, got ${String(value)}`),
  ];
}

function outOfRange(path: Path, { range }: Attribute, value: number, { name }: Subject): CheckFailure[] {
  if (!range || (value >= range[0] && value <= range[1])) return [];
  const words = `expected ${argument(path)} to be in the range (${range[0]} - ${range[1]}), got ${value}`;
  return [problem(name, written(path), words)];
}

function shortfall(path: Path, { least }: Attribute, list: Value[], { name }: Subject): CheckFailure[] {
  if (least === undefined || list.length >= least) return [];
  const words = `Not enough list items. Attribute ${argument(path)} requires ${least} item minimum, but config has only ${list.length} declared.`;
  return [problem(name, written(path), words)];
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
