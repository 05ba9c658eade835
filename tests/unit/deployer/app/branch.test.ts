import { describe, expect, test } from "vitest";
import { type Branch, decideBranch } from "../../../../deployer/app/branch.ts";

const pushed: Branch = {
  branch: "main",
  head: "abc",
  changed: [],
  upstream: "origin/main",
  ahead: 0,
  behind: 0,
};

describe("what is checked out", () => {
  test.each<[string, Partial<Branch>, string | undefined, string]>([
    ["is deployed as it is when it is pushed", {}, "main", "nothing"],
    [
      "is deployed whatever its branch, where the flake names none",
      { branch: "feature" },
      undefined,
      "nothing",
    ],
    ["is pushed when its remote lacks commits", { ahead: 2 }, "main", "push"],
    ["is pushed when its branch is nowhere yet", { upstream: undefined }, undefined, "push"],
    ["is refused without a branch", { branch: undefined }, undefined, "no branch is checked out"],
    [
      "is refused on another branch than the flake follows",
      { branch: "feature" },
      "main",
      "follows its branch main",
    ],
    ["is refused with changes", { changed: ["a.ts", "b.ts"], ahead: 1 }, "main", "not committed: a.ts, b.ts"],
    ["is refused when its remote has more", { behind: 3, ahead: 1 }, "main", "origin/main has 3 commits"],
  ])("%s", (_, changes, followed, expected) => {
    const decision = decideBranch({ ...pushed, ...changes }, followed);
    expect(decision.do === "refuse" ? decision.because : decision.do).toContain(expected);
  });

  test("is refused with some of many changed files by name", () => {
    const changed = ["1", "2", "3", "4", "5", "6", "7"];
    expect(decideBranch({ ...pushed, changed }, undefined)).toMatchObject({
      because: "these files are not committed: 1, 2, 3, 4, 5 and 2 more",
    });
  });
});
