import type { CheckFailure, Properties, Value } from "../../../provider/framework/types.ts";
import { parseAddress } from "../../cloud/ip.ts";
import { labelFault, snake } from "./check.ts";
import { isSet } from "./schema.ts";

/** Checks in the words of the real provider's newer half; `name` is the resource's own name. */

/** Of these properties one has to be there, and no second. */
export function exactlyOne(inputs: Properties, properties: readonly string[], name: string): CheckFailure[] {
  const given = properties.filter((property) => isSet(inputs, property));
  if (given.length === 1) return [];
  const words = `Exactly one of these attributes must be configured: [${properties.map(snake).join(",")}]`;
  if (given.length === 0) return [{ property: "", reason: `Missing Attribute Configuration. ${words}` }];
  return [attributeFailure(name, String(given[0]), "Invalid Attribute Combination", words)];
}

/** An address that is none. */
export function ipFailures(inputs: Properties, property: string, name: string): CheckFailure[] {
  const text = inputs[property];
  if (typeof text !== "string" || parseAddress(text)) return [];
  const words = `A string value was provided that is not valid IPv4 or IPv6 string format (RFC 791, RFC 4291).\n\nGiven Value: ${text}\nError: ParseAddr(${JSON.stringify(text)}): unable to parse IP`;
  return [attributeFailure(name, property, "Invalid IP Address String Value", words)];
}

/** Addresses of a list that are none. */
export function ipListFailures(inputs: Properties, property: string, name: string): CheckFailure[] {
  const list: Value[] = Array.isArray(inputs[property]) ? inputs[property] : [];
  return list
    .filter((text) => typeof text === "string" && !parseAddress(text))
    .map((text) => {
      const words = `Attribute ${snake(property)}[Value(${JSON.stringify(text)})] must be a valid ip, got: ${text}`;
      return attributeFailure(name, property, "Invalid Attribute Value", words);
    });
}

/** A list that may be left out, but not be empty. */
export function emptyFailures(
  inputs: Properties,
  property: string,
  kind: "list" | "set",
  name: string,
): CheckFailure[] {
  const list = inputs[property];
  if (!Array.isArray(list) || list.length > 0) return [];
  const words = `Attribute ${snake(property)} ${kind} must contain at least 1 elements, got: 0`;
  return [attributeFailure(name, property, "Invalid Attribute Value", words)];
}

/** A malformed label. */
export function labelFailures(inputs: Properties, name: string): CheckFailure[] {
  const fault = labelFault(inputs.labels);
  if (!fault) return [];
  return [attributeFailure(name, `labels[${JSON.stringify(fault.key)}]`, "Invalid label", fault.words)];
}

export function attributeFailure(name: string, at: string, summary: string, words: string): CheckFailure {
  return { property: "", reason: `${summary}. ${words}. Examine values at '${name}.${at}'.` };
}
