import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { stackConfig } from "../../../config/stack.ts";

const page = readFileSync(new URL("../../../docs/changing-what-runs.md", import.meta.url), "utf8");
/** What the page speaks of, e.g. "server.ipv4". */
const mentioned = new Set(
  [...page.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text.replace(/^berth:/, "").replace(/:.*$/, "")),
);

/** Every key of a schema as people name it: names of hosts, zones and the like left out. */
function keysOf(schema: z.core.$ZodType, path: readonly string[] = []): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return keysOf(schema.unwrap(), path);
  if (schema instanceof z.ZodRecord) return keysOf(schema.valueType, path);
  if (schema instanceof z.ZodArray) return keysOf(schema.element, path);
  if (schema instanceof z.ZodUnion)
    return [...new Set(schema.options.flatMap((option) => keysOf(option, path)))];
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).flatMap(([key, inner]) => {
    const below = key === "hosts" && path.length === 0 ? [] : [...path, key];
    return [below.length === 0 ? key : below.join("."), ...keysOf(inner as z.core.$ZodType, below)];
  });
}

/** Maps and groups whose keys are each a change of their own. */
const groups = new Set(["access", "dns", "existing", "identity", "loadBalancers", "network", "server"]);
const speaksOf = (key: string): boolean => {
  const parts = key.split(".");
  const wholes = parts.map((_, at) => parts.slice(0, at + 1).join(".")).filter((whole) => !groups.has(whole));
  return groups.has(key) || wholes.some((whole) => mentioned.has(whole));
};

/** What a change of a container or of an app at Fly does is on a page of its own. */
const elsewhere = /^(containers|fly(Token)?)(\.|$)/;
const keys = keysOf(stackConfig).filter((key) => !elsewhere.test(key));

test.each(keys)("what a change of %s does is told", (key) => {
  expect(speaksOf(key)).toBe(true);
});

test("all of the configuration is looked through", () => {
  expect(keys).toEqual(
    expect.arrayContaining(["server.deleteBackups", "dns.records.ttl", "existing.jump.port"]),
  );
});
