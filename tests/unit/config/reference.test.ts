import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseStackConfig, stackConfig } from "../../../config/stack.ts";

const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  /** Shapes that a value may have; those that are maps have keys of their own. */
  anyOf?: Schema[];
  default?: unknown;
}

/** Keys that hold a value, as the page writes them, each with its default in JSON. */
function keysOf(schema: Schema, path = "", inherited?: unknown): Map<string, string> {
  const own = schema.default ?? inherited;
  const below: [string, Schema, unknown][] = Object.entries(schema.properties ?? {}).map(([key, inner]) => [
    path ? `${path}.${key}` : key,
    inner,
    undefined,
  ]);
  if (typeof schema.additionalProperties === "object")
    below.push([`${path}.<name>`, schema.additionalProperties, undefined]);
  if (schema.items) below.push([`${path}[]`, schema.items, own]);
  const shapes = (schema.anyOf ?? []).filter(({ properties }) => properties !== undefined);
  // A value that may be a text as well is a row of its own.
  if (shapes.length > 0 && shapes.length < (schema.anyOf ?? []).length) below.push([path, {}, own]);
  for (const shape of shapes) below.push([path, shape, own]);
  if (below.length > 0)
    return new Map(below.flatMap(([key, inner, given]) => [...keysOf(inner, key, given)]));
  const empty = own === undefined || JSON.stringify(own) === "[]" || JSON.stringify(own) === "{}";
  return new Map([[path, empty ? "" : JSON.stringify(own)]]);
}

const documented = new Map(
  [...page.matchAll(/^\| `([^`]+)` \| (?:`([^`]+)`)? ?\|/gm)].map(([, key = "", value = ""]) => [key, value]),
);

test("the page has every key of a stack with its default, and no other", () => {
  const schema = z.toJSONSchema(stackConfig, { io: "input", unrepresentable: "any" }) as Schema;
  const keys = keysOf(schema);
  expect(keys.size).toBeGreaterThan(40);
  // The row that introduces hosts is no key of its own.
  const { "hosts.<name>": _, ...rows } = Object.fromEntries(documented);
  expect(rows).toEqual(Object.fromEntries(keys));
});

test("its example is a configuration", () => {
  const yaml = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const { config } = parse(yaml) as { config: Record<string, unknown> };
  const raw = Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith("berth:"))
      .map(([key, value]) => [key.slice("berth:".length), value]),
  );
  expect(parseStackConfig("prod", raw).problems).toEqual([]);
});
