import { describe, expect, test } from "vitest";
import type { Series } from "../../../bench/measure.ts";
import { readOptions } from "../../../bench/options.ts";
import { countResources, type PulumiTimes } from "../../../bench/pulumi.ts";
import { countTable, goalOf, processorTable, pulumiTable, releaseTable } from "../../../bench/table.ts";

const series: Series = {
  ...{ case: "app", hosts: 1, latency: 50, disturbed: 1 },
  seconds: { floor: [2, 1, 4], berth: [1, 2, 3] },
  processor: {
    floor: [3, 1, 2].map((here) => ({ all: here * 2, here })),
    berth: [2, 1, 3].map((here) => ({ all: here * 3, here: here / 10 })),
  },
  passed: {
    floor: { connections: 2, turns: 30, sent: 400_400 },
    berth: { connections: 2, turns: 26, sent: 390_000 },
  },
};

describe("the table of releases", () => {
  test("has medians, spread and the median of the pairs' ratios, and says how often the machine was busy", () => {
    expect(releaseTable([series]).split("\n")[2]).toBe(
      "| app | 1 | 50 ms | 2.00 (1.00–4.00) | 2.00 (1.00–3.00) | **0.75** (0.50–2.00) | ≤ 1.0 | 3, 1 disturbed |",
    );
  });

  test.each([
    ["unchanged", 0.5],
    ["app", 1],
    ["large", 1.1],
  ] as const)("holds %s against %d", (which, goal) => expect(goalOf({ case: which })).toBe(goal));

  test("counts handshakes and turns of single hosts where a delay line counted them", () => {
    const many = { ...series, hosts: 4 };
    const uncounted = { ...series, passed: { floor: undefined, berth: undefined } };
    expect(countTable([series, many, uncounted]).trimEnd().split("\n").slice(2)).toEqual([
      "| app | 50 ms | 2 | 30 | 400 | 2 | 26 | 390 |",
    ]);
    expect(countTable([uncounted])).toBe("");
  });
});

test("processor time is told as medians, of all and of the deployer", () => {
  expect(processorTable([series]).trimEnd().split("\n").slice(2)).toEqual([
    "| app | 1 | 50 ms | 4.00 | 2.00 | 6.00 | 0.20 |",
  ]);
});

test("the share of Berth's program is what it takes beyond the bare one, as a part of all", () => {
  const times: PulumiTimes = {
    counts: { components: 3, hcloud: 2, others: 4 },
    preview: { berth: [4, 5], bare: [3, 4] },
    up: { berth: [], bare: [] },
    memory: { first: 101.4, unchanged: 80 },
  };
  const text = pulumiTable(times);
  expect(text).toContain(
    "| pulumi preview | 3.50 (3.00–4.00) | 4.50 (4.00–5.00) | **23 %** (20–25) | ≤ 20 % | 2 |",
  );
  expect(text).not.toContain("pulumi up |");
  expect(text).toContain("9 resources each: 3 components, 2 of Hetzner's provider, 4 others.");
  expect(text).toContain("101 MB resident");
});

test("neither the stack nor its providers count as resources", () => {
  const resources = [
    { type: "pulumi:pulumi:Stack" },
    { type: "pulumi:providers:hcloud", custom: true },
    { type: "hcloud:index/server:Server", custom: true },
    { type: "berth:deploy:Deployment", custom: true },
    { type: "command:local:Command", custom: true },
    { type: "berth:hetzner:Server" },
  ];
  expect(countResources(JSON.stringify({ deployment: { resources } }))).toEqual({
    components: 1,
    hcloud: 1,
    others: 2,
  });
});

test("options choose cases; by default all are run", () => {
  expect(readOptions([])).toMatchObject({ hosts: [1, 4, 10], latency: [0, 50], pulumi: true, write: false });
  expect(
    readOptions(["--hosts", "1,4", "--latency", "50", "--cases", "large,app", "--runs", "3"]),
  ).toMatchObject({
    hosts: [1, 4],
    latency: [50],
    cases: ["app", "large"],
    runs: 3,
  });
});
