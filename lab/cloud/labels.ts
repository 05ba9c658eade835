import { refusedField } from "./errors.ts";

export type Labels = Record<string, string>;

/** One condition of a label selector; a selector holds when all of its conditions do. */
export type Condition =
  | { key: string; test: "exists" | "missing" }
  | { key: string; test: "in" | "not in"; values: string[] };

const name = /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/;
const dnsPrefix = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const reservedPrefix = "hetzner.cloud/";

/** What is wrong with the key of a new label, or undefined. */
export function labelKeyProblem(key: string): string | undefined {
  if (key.startsWith(reservedPrefix)) {
    return `label key '${key}': the prefix ${reservedPrefix} is reserved`;
  }
  return isLabelKey(key)
    ? undefined
    : `label key '${key}': at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit, after an optional DNS name and '/'`;
}

function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  return (
    (prefix === undefined || (prefix.length <= 253 && dnsPrefix.test(prefix))) &&
    name.test(key.slice(slash + 1))
  );
}

/** What is wrong with a label's value, or undefined. The empty value is allowed. */
export function labelValueProblem(value: string): string | undefined {
  return value === "" || name.test(value)
    ? undefined
    : `label value '${value}': at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit`;
}

/** Throws 422 `invalid_input` when the text is not a selector. The empty selector holds for everything. */
export function parseSelector(text: string, field = "label_selector"): Condition[] {
  if (text.trim() === "") {
    return [];
  }
  return splitOutsideParentheses(text).map((part) => {
    const condition = parseCondition(part.trim());
    if (condition === undefined || !isLabelKey(condition.key)) {
      throw refusedField(field, `label selector '${text}' is malformed at '${part.trim()}'`);
    }
    return condition;
  });
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/);
}

function parseCondition(text: string): Condition | undefined {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return valid(values) ? { key, test: operator === "in" ? "in" : "not in", values } : undefined;
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(text);
  if (equality) {
    const [, key = "", operator, value = ""] = equality;
    return valid([value]) ? { key, test: operator === "!=" ? "not in" : "in", values: [value] } : undefined;
  }
  const presence = /^(!?)\s*([^=!\s()]+)$/.exec(text);
  if (presence) {
    const [, not, key = ""] = presence;
    return { key, test: not ? "missing" : "exists" };
  }
  return undefined;
}

function valid(values: string[]): boolean {
  return values.every((value) => labelValueProblem(value) === undefined);
}

export function matches(labels: Labels, conditions: Condition[]): boolean {
  return conditions.every((condition) => holds(labels, condition));
}

function holds(labels: Labels, condition: Condition): boolean {
  const value = Object.hasOwn(labels, condition.key) ? labels[condition.key] : undefined;
  switch (condition.test) {
    case "exists":
      return value !== undefined;
    case "missing":
      return value === undefined;
    case "in":
      return value !== undefined && condition.values.includes(value);
    case "not in":
      return value === undefined || !condition.values.includes(value);
  }
}
