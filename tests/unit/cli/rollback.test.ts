import { describe, expect, test } from "vitest";
import { age, checksOf } from "../../../cli/rollback.ts";

describe("the checks of a release that is returned to", () => {
  const others = [{ http: "http://example.org/healthz", body: "/nix/store/newer" }, { tcp: 22 }];

  test("are those it was kept with", () => {
    const checks = JSON.stringify([{ http: "http://example.org/healthz", body: "/nix/store/older" }]);
    expect(checksOf({ checks }, others)).toEqual([
      { http: "http://example.org/healthz", body: "/nix/store/older" },
    ]);
  });

  test.each([[null], ["[{"], ['[{"unheard-of":1}]']])(
    "are, where those are %s, the wanted release's without the texts that are its own",
    (checks) =>
      expect(checksOf({ checks }, others)).toEqual([{ http: "http://example.org/healthz" }, { tcp: 22 }]),
  );
});

test.each([
  [0, "0 s ago"],
  [119, "119 s ago"],
  [600, "10 min ago"],
  [10_800, "3 h ago"],
  [864_000, "10 days ago"],
  [-5, "0 s ago"],
])("%i seconds are %s", (seconds, expected) => {
  expect(age(1_000_000_000 - seconds, 1_000_000_000_000)).toBe(expected);
});
