import { describe, expect, test } from "vitest";
import { chooseGeneration, type Generation, releasesOf } from "../../../../deployer/release/generations.ts";

/** Generations of these releases, the first by number 1. */
const generations = (...releases: string[]): Generation[] =>
  releases.map((toplevel, index) => ({ number: index + 1, toplevel, at: index, label: null, checks: null }));
const numberOf = (choice: ReturnType<typeof chooseGeneration>) =>
  "to" in choice ? choice.to.number : choice.refused;

describe("the release to return to", () => {
  test.each<[string, string[], string, boolean, number | undefined, number | string]>([
    ["the one before", ["a", "b", "c"], "c", false, undefined, 2],
    ["the one before, where the current one ran before, too", ["a", "b", "a"], "a", false, undefined, 2],
    [
      "after a rollback the one before the first time of what runs",
      ["a", "b", "c", "b"],
      "b",
      true,
      undefined,
      1,
    ],
    [
      "after two rollbacks none is left",
      ["a", "b", "c", "b", "a"],
      "a",
      true,
      undefined,
      "there is no release before the one that runs; the generations are 5, 4, 3, 2, 1",
    ],
    ["of a system that is no generation the newest one", ["a", "b"], "by hand", false, undefined, 2],
    ["the one that was named", ["a", "b", "c"], "c", false, 1, 1],
    ["not the one that runs", ["a", "b"], "b", false, 2, "generation 2 runs already"],
    ["none that there is not", ["a", "b"], "b", false, 7, "there is no generation 7; there are 2, 1"],
    [
      "none where there is but one",
      ["a"],
      "a",
      false,
      undefined,
      "there is no release before the one that runs; the generations are 1",
    ],
  ])("is %s", (_, releases, current, held, number, expected) => {
    expect(numberOf(chooseGeneration(generations(...releases), { current, held, number }))).toBe(expected);
  });
});

test("the release that runs will do where a reboot is wanted", () => {
  const choice = chooseGeneration(generations("a", "b"), {
    current: "b",
    held: false,
    number: 2,
    reboot: true,
  });
  expect(numberOf(choice)).toBe(2);
});

test("what runs on trial alone can be returned to, as it may not be kept", () => {
  const choice = chooseGeneration(generations("a", "b"), {
    current: "a",
    held: false,
    settled: false,
    number: 1,
  });
  expect(numberOf(choice)).toBe(1);
});

test("each release is listed once, newest first", () => {
  expect(releasesOf(generations("a", "b", "a")).map(({ number }) => number)).toEqual([3, 2]);
});
