import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseStackConfig } from "../../../config/stack.ts";
import { plan } from "../config/samples.ts";

const read = (name: string): unknown =>
  parse(readFileSync(new URL(`../../../examples/stacks/${name}.yaml`, import.meta.url), "utf8"));

const shared = z.object({ config: z.record(z.string(), z.strictObject({ value: z.unknown() })) });
const own = z.object({ config: z.record(z.string(), z.unknown()) });

/** What a program is given of a stack: the project's defaults, and in their place what the stack's file says. */
function configOf(stack: string): Record<string, unknown> {
  const defaults = Object.entries(shared.parse(read("Pulumi")).config).map(([key, { value }]) => [
    key,
    value,
  ]);
  const all = { ...Object.fromEntries(defaults), ...own.parse(read(`Pulumi.${stack}`)).config };
  expect(Object.keys(all).filter((key) => !key.startsWith("berth:"))).toEqual([]);
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key.slice("berth:".length), value]));
}

test.each(["dev", "prod"])("%s is a configuration without a problem, and can be planned", (stack) => {
  expect(parseStackConfig(stack, configOf(stack)).problems).toEqual([]);
  expect(plan(configOf(stack), { stack }).hosts.length).toBeGreaterThan(0);
});

test("prod is protected without a word, dev is not", () => {
  expect(own.parse(read("Pulumi.prod")).config).not.toHaveProperty("berth:protect");
  expect(parseStackConfig("prod", configOf("prod")).config.protect).toBe(true);
  expect(parseStackConfig("dev", configOf("dev")).config.protect).toBe(false);
});

test("a stack has the project's defaults where it says nothing, and its own word in their place", () => {
  const { config: dev } = parseStackConfig("dev", configOf("dev"));
  const { config: prod } = parseStackConfig("prod", configOf("prod"));
  expect([dev.builds.keep, prod.builds.keep]).toEqual([2, 5]);
  expect(Object.keys(dev.access.people)).toEqual(["ada"]);
  expect([dev.access.from, prod.access.from]).toEqual([[], ["203.0.113.0/24"]]);
});
