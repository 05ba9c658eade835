import { describe, expect, test } from "vitest";
import { foreseeHold, type Hold, isHeld, parseHold } from "../../../../deployer/release/hold.ts";

const hold: Hold = {
  toplevel: "bad",
  since: "2026-11-21T20:00:00Z",
  by: "ada@laptop",
  why: "checkout is broken",
};

describe("a release that was rolled back by hand", () => {
  test.each<[string, Hold | undefined, string, string | null, boolean]>([
    ["is held while it is wanted and another one runs", hold, "bad", "good", true],
    ["is not held against a newer release", hold, "newer", "good", false],
    ["is not held where it runs again", hold, "bad", "bad", false],
    ["is held nowhere without a mark", undefined, "bad", "good", false],
  ])("%s", (_, held, wanted, current, expected) => {
    expect(isHeld(held, wanted, current)).toBe(expected);
  });

  test.each([[null], [""], ["{}"], ['{"toplevel":"bad","since'], ['"held"']])(
    "a mark of %s holds nothing",
    (text) => {
      expect(parseHold(text)).toBeUndefined();
    },
  );

  test("is told with who, when, why, and the word that lets it come again", () => {
    const told = foreseeHold(hold, { host: "web1", runs: "good", wanted: "bad" });
    for (const word of [
      "ada@laptop",
      "2026-11-21T20:00:00Z",
      "checkout is broken",
      "stays on good",
      "berth unhold web1",
    ])
      expect(told).toContain(word);
  });

  test("is told to end with a newer release", () => {
    const told = foreseeHold(hold, { host: "web1", runs: "good", wanted: "newer" });
    expect(told).toContain("this update ends that and takes it from good to newer");
  });
});
