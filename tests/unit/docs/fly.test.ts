import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { flyApps } from "../../../config/fly.ts";
import { strategies } from "../../../deployer/fly/strategies.ts";

const page = readFileSync(new URL("../../../docs/fly.md", import.meta.url), "utf8");

test("the page's example is a configuration", () => {
  const { config } = z
    .object({ config: z.record(z.string(), z.unknown()) })
    .parse(parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? ""));
  expect(flyApps.safeParse(config["berth:fly"]).error?.issues ?? []).toEqual([]);
});

test("the page tells what a change of each key of an app does", () => {
  const keys = Object.keys(flyApps.valueType.shape);
  const table = /## What a change does\n([\s\S]*?)\n## /.exec(page)?.[1] ?? "";
  const told = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([A-Za-z]+)/g)].map(([, key]) => key),
  );
  expect(keys.filter((key) => !told.includes(key))).toEqual([]);
});

test("the page has every strategy, and no other", () => {
  const rows = [...page.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name]) => name);
  expect(rows.toSorted()).toEqual(Object.keys(strategies).toSorted());
});

test("what tries each fault is a test that there is", () => {
  const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
  const whole = read("tests/e2e/fly.test.ts");
  const parts = read("tests/unit/deployer/fly/release.test.ts");
  const table = /\| what \| what comes of it \| tried by \|\n\|[-|]+\n([\s\S]*?)\n\n/.exec(page)?.[1] ?? "";
  const named = [...table.matchAll(/\| ([^|]+) \|$/gm)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(15);
  const missing = named.filter((name) =>
    name.startsWith("unit: ") ? !parts.includes(`"${name.slice(6)}"`) : !whole.includes(`"${name}"`),
  );
  expect(missing).toEqual([]);
});
