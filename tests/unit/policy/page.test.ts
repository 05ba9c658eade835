import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { settings } from "../../../policy/settings.ts";

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
const page = read("docs/policy.md");

test("the page has every setting of every rule with its default, and no other", () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+)\.([A-Za-z]+)` \| (.*?) ?\|/gm)].map(
    ([, rule, key, value]) => [`${rule}.${key}`, value],
  );
  const wanted = Object.entries(settings).flatMap(([rule, { shape }]) =>
    Object.entries(shape).map(([key, schema]) => {
      const value = schema.safeParse(undefined).data;
      return [`${rule}.${key}`, value === undefined ? "" : `\`${JSON.stringify(value)}\``];
    }),
  );
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(wanted));
  expect(rows).toHaveLength(wanted.length);
});

test("the page's example is one", () => {
  const text = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const example = z.record(z.string(), z.record(z.string(), z.unknown())).parse(JSON.parse(text));
  expect(Object.keys(settings)).toEqual(expect.arrayContaining(Object.keys(example)));
  expect(Object.keys(example).length).toBeGreaterThan(1);
  for (const [rule, { enforcementLevel, ...told }] of Object.entries(example)) {
    expect(["mandatory", "advisory", "disabled", undefined]).toContain(enforcementLevel);
    expect(settings[rule as keyof typeof settings].safeParse(told).error?.issues ?? []).toEqual([]);
  }
});

test("the engine finds the pack, and Pulumi's own compiler no TypeScript in its entry", () => {
  const { runtime, main } = parse(read("policy/PulumiPolicy.yaml")) as Record<string, unknown>;
  const manifest = JSON.parse(read("policy/package.json")) as Record<string, unknown>;
  expect({ runtime, main }).toEqual({ runtime: "nodejs", main: "index.js" });
  expect(manifest["main"]).toBe(main);
  expect(manifest["version"]).toMatch(/^\d+\.\d+\.\d+$/);
  expect(read(`policy/${main}`)).toContain('import "./pack.ts"');
});
