import { z } from "zod";
import type { Problem } from "./problems.ts";

/**
 * What zod found wrong, as people read it.
 * @param schema the schema of `raw`, which also has the examples (`meta({ example })`)
 */
export function explain(schema: z.ZodType, issue: z.core.$ZodIssue, raw: unknown): Problem[] {
  const example = exampleAt(schema, issue.path);
  const at = (path: readonly PropertyKey[]) =>
    path.length === 0 ? "berth" : `berth:${path.map(String).join(".")}`;
  switch (issue.code) {
    case "unrecognized_keys": {
      const allowed = keysAt(schema, issue.path);
      return issue.keys.map((key) => ({
        path: at([...issue.path, key]),
        message: allowed.includes(key)
          ? "does not go with the other keys here: each shape has its own"
          : `there is no such key; there are ${allowed.join(", ")}`,
      }));
    }
    case "invalid_union": {
      const meant = likeliest(issue.errors);
      if (!meant) break;
      return meant.flatMap((inner) =>
        explain(schema, { ...inner, path: [...issue.path, ...inner.path] }, raw),
      );
    }
    case "invalid_key":
      return [
        {
          path: at(issue.path),
          message: issue.issues.map(({ message }) => message).join("; "),
          ...keyExample(issue.path),
        },
      ];
  }
  return [
    {
      path: at(issue.path),
      message: describe(issue, valueAt(raw, issue.path)),
      ...(example ? { example } : {}),
    },
  ];
}

/** Of the shapes that a value may have, the one that it was meant to have: none where it is of another type altogether. */
function likeliest(
  shapes: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  const maps = shapes.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  // Keys of its own say what a value is meant to be; what is below them may be mistaken in any case.
  const strangers = (issues: readonly z.core.$ZodIssue[]): number =>
    issues.reduce((sum, issue) => {
      if (issue.path.length > 1) return sum + 1;
      return (
        sum + (issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys.length * 100 : 10)
      );
    }, 0);
  return maps.toSorted((a, b) => strangers(a) - strangers(b))[0];
}

/** What keys of maps look like, by the map's own key. */
const keyExamples: Record<string, string> = {
  hosts: "web1",
  volumes: "data",
  labels: "team",
  dns: "example.org",
  loadBalancers: "edge",
  containers: "site",
  fly: "webecho",
};

function keyExample(path: readonly PropertyKey[]): { example?: string } {
  const map = String(path.at(-2));
  return Object.hasOwn(keyExamples, map) ? { example: keyExamples[map] } : {};
}

/** Types in people's words, by zod's names. */
const typeNames: Record<string, string> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function describe(issue: z.core.$ZodIssue, found: unknown): string {
  // Zod's own words for a type; a schema's own are better and stay.
  const byType = issue.code === "invalid_type" && issue.message.startsWith("Invalid input");
  const wanted = byType ? `${typeNames[issue.expected] ?? issue.expected} is needed` : issue.message;
  if (found === undefined) return `is missing; ${wanted}`;
  const type = Array.isArray(found) ? "array" : typeof found;
  return byType ? `${wanted}, this is ${(found !== null && typeNames[type]) || "empty"}` : wanted;
}

/** What lies at a path, undefined where nothing does. */
export const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );

/** The schema a path leads to, through records, arrays and defaults. */
function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  const inner = unwrap(schema);
  const [head, ...rest] = path;
  if (head === undefined) return schema;
  if (inner instanceof z.ZodObject) {
    const next = (inner.shape as Record<string, z.core.$ZodType>)[String(head)];
    return next && schemaAt(next, rest);
  }
  if (inner instanceof z.ZodRecord) return schemaAt(inner.valueType, rest);
  if (inner instanceof z.ZodArray) return schemaAt(inner.element, rest);
  if (inner instanceof z.ZodUnion)
    return inner.options.map((option) => schemaAt(option, path)).find((found) => found !== undefined);
  return undefined;
}

const unwrap = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;

function exampleAt(root: z.core.$ZodType, path: readonly PropertyKey[]): string | undefined {
  const found = schemaAt(root, path);
  if (!found) return undefined;
  for (const candidate of [found, unwrap(found)]) {
    const example = candidate instanceof z.ZodType ? candidate.meta()?.example : undefined;
    if (typeof example === "string") return example;
  }
  return undefined;
}

function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const found = schemaAt(schema, path);
  const inner = found && unwrap(found);
  if (inner instanceof z.ZodUnion) {
    const shapes = inner.options.filter((option) => option instanceof z.ZodObject);
    return [...new Set(shapes.flatMap((shape) => Object.keys(shape.shape)))];
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}
