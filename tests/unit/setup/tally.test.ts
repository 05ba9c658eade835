import { expect, test } from "vitest";
import {
  failureLines,
  ranLayer,
  skipDifferences,
  skipLines,
  skippedLayer,
  summaryLine,
} from "../../../lab/setup/tally.mjs";

const named = (name: string) => ({ name, reason: "because" });

test("the last line sums all layers, and a layer that did not run is one skip", () => {
  const results = [
    ranLayer("unit", 0, { passed: 10, failed: [], skipped: [named("a")] }),
    ranLayer("lab", 1, { passed: 3, failed: [named("b"), named("c")], skipped: [] }),
    skippedLayer("e2e", "no root"),
  ];
  expect(summaryLine(results)).toBe("13 passed, 2 failed, 2 skipped");
});

test("a runner that fails without a failed test, or leaves no record, is a failure", () => {
  const none = { passed: 4, failed: [], skipped: [] };
  expect(ranLayer("unit", 1, none).failed).toEqual([
    { name: "layer unit", reason: "its runner ended with 1" },
  ]);
  const lost = [{ name: "layer unit", reason: "its runner left no record" }];
  expect(ranLayer("unit", 0, undefined)).toEqual({ layer: "unit", passed: 0, failed: lost, skipped: [] });
  expect(ranLayer("unit", 1, undefined).failed).toEqual(lost);
  const failed = [named("b")];
  expect(ranLayer("unit", 1, { ...none, failed }).failed).toEqual(failed);
});

test.each([
  ["none of either", [], "# only a comment\n\n", []],
  ["the same in another order", ["b", "a"], "a\nb\n", []],
  ["a new one", ["a", "b"], "a\n", ["skipped, but not agreed on: b"]],
  ["one that runs again", [], "  a  \n", ["agreed on as skipped, but not skipped: a"]],
  ["one name twice", ["a", "a"], "a\n", ["skipped, but not agreed on: a"]],
])("the skips are compared with those agreed on: %s", (_, names, agreed, expected) => {
  expect(
    skipDifferences([ranLayer("unit", 0, { passed: 0, failed: [], skipped: names.map(named) })], agreed),
  ).toEqual(expected);
});

test("what a failure above it kept from running is no skip that someone must agree on", () => {
  const skipped = [{ ...named("a"), broken: true as const }, named("b")];
  expect(
    skipDifferences([ranLayer("e2e", 1, { passed: 0, failed: [named("c")], skipped })], "a\nb\n"),
  ).toEqual([]);
  expect(skipDifferences([ranLayer("e2e", 1, { passed: 0, failed: [named("c")], skipped })], "b\n")).toEqual(
    [],
  );
});

test("each reason to skip is said once, with the names of what was left out and the count of what broke", () => {
  const broken = (name: string, reason: string) => ({ name, reason, broken: true as const });
  const results = [
    ranLayer("lab", 1, { passed: 0, failed: [named("x")], skipped: [broken("a", "no host"), named("d")] }),
    ranLayer("e2e", 1, {
      passed: 0,
      failed: [named("y")],
      skipped: [broken("b", "no host"), broken("c", "no lab"), named("e"), { name: "f", reason: "no nix" }],
    }),
  ];
  expect(skipLines(results)).toEqual([
    ...["because:", "  d", "  e", "no nix:", "  f"],
    ...["2 tests: no host", "1 tests: no lab"],
  ]);
  expect(skipLines([])).toEqual([]);
});

test("a failure is told with all that is known of it", () => {
  const failed = [{ name: "a", reason: "pulumi ended with 1\nerror: the disk\n  is full" }, named("b")];
  expect(failureLines([ranLayer("e2e", 1, { passed: 0, failed, skipped: [] })])).toEqual([
    "a: pulumi ended with 1",
    "    error: the disk",
    "      is full",
    "b: because",
  ]);
});
