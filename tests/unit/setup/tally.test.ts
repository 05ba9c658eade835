import { expect, test } from "vitest";
import { ranLayer, skipDifferences, skippedLayer, summaryLine } from "../../../lab/setup/tally.mjs";

const skip = (name: string) => ({ name, reason: "because" });

test("the last line sums all layers, and a layer that did not run is one skip", () => {
  const results = [
    ranLayer("unit", 0, { passed: 10, failed: 0, skipped: [skip("a")] }),
    ranLayer("lab", 1, { passed: 3, failed: 2, skipped: [] }),
    skippedLayer("e2e", "no root"),
  ];
  expect(summaryLine(results)).toBe("13 passed, 2 failed, 2 skipped");
});

test("a runner that fails without a failed test, or leaves no record, is a failure", () => {
  expect(ranLayer("unit", 1, { passed: 4, failed: 0, skipped: [] }).failed).toBe(1);
  expect(ranLayer("unit", 0, undefined)).toEqual({ layer: "unit", passed: 0, failed: 1, skipped: [] });
  expect(ranLayer("unit", 1, undefined).failed).toBe(1);
  expect(ranLayer("unit", 1, { passed: 4, failed: 3, skipped: [] }).failed).toBe(3);
});

test.each([
  ["none of either", [], "# only a comment\n\n", []],
  ["the same in another order", ["b", "a"], "a\nb\n", []],
  ["a new one", ["a", "b"], "a\n", ["skipped, but not agreed on: b"]],
  ["one that runs again", [], "  a  \n", ["agreed on as skipped, but not skipped: a"]],
  ["one name twice", ["a", "a"], "a\n", ["skipped, but not agreed on: a"]],
])("the skips are compared with those agreed on: %s", (_, names, agreed, expected) => {
  expect(
    skipDifferences([ranLayer("unit", 0, { passed: 0, failed: 0, skipped: names.map(skip) })], agreed),
  ).toEqual(expected);
});
