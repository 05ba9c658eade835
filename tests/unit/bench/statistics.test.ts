import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTicks, spent, ticksOf } from "../../../bench/processor.ts";
import { ratios, spreadOf } from "../../../bench/statistics.ts";

describe("a spread", () => {
  test.each([
    [[3], { median: 3, min: 3, max: 3 }],
    [[4, 1, 3], { median: 3, min: 1, max: 4 }],
    [[4, 1, 2, 3], { median: 2.5, min: 1, max: 4 }],
  ])("of %j is %j", (numbers, expected) => expect(spreadOf(numbers)).toEqual(expected));

  test("of nothing is an error", () => expect(() => spreadOf([])).toThrow("no numbers"));

  test("has as many numbers on either side of its median, in whatever order they come", () => {
    const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e6 }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(numbers, (given) => {
        const { median, min, max } = spreadOf(given);
        expect(min).toBe(Math.min(...given));
        expect(max).toBe(Math.max(...given));
        expect(given.filter((one) => one < median).length).toBeLessThanOrEqual(given.length / 2);
        expect(given.filter((one) => one > median).length).toBeLessThanOrEqual(given.length / 2);
      }),
    );
  });
});

test("a ratio is one of a pair; a run without a partner has none", () => {
  expect(ratios([1, 3, 5], [2, 2])).toEqual([0.5, 1.5]);
});

test("time spent waiting for a disk is idle, and a guest's time is not counted twice", () => {
  const stat = "cpu  100 5 20 300 40 1 2 3 77 7\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
  expect(readTicks(stat)).toEqual({ idle: 340, all: 471 });
});

test("a process is counted with the children that it has seen end, whatever it is called", async () => {
  const fields = ["R", ...Array.from({ length: 10 }, () => "7"), "100", "20", "3", "4", "9"];
  expect(ticksOf(`4711 (a) b (c) ${fields.join(" ")}`)).toBe(127);
  const before = await spent();
  execFileSync(process.execPath, ["-e", "const end = Date.now() + 300; while (Date.now() < end);"]);
  const after = await spent();
  expect(after.here - before.here).toBeGreaterThan(0.1);
  expect(after.all).toBeGreaterThan(before.all);
});
