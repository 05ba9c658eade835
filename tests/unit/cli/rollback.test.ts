import { describe, expect, test } from "vitest";
import { age, checksOf, describeRefusal, whyLeft } from "../../../cli/rollback.ts";

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

describe("where all hosts are rolled back", () => {
  const older = "/nix/store/aaaaaaaaaa-nixos";
  const newer = "/nix/store/bbbbbbbbbb-nixos";
  const held = JSON.stringify({ toplevel: newer, since: "2026-01-01T00:00:00Z", by: "ada" });
  const deployed = (toplevel: string) => ({ inputs: { toplevel } });

  test("one that runs the release that is left goes back, whatever mark it has of that", () => {
    expect(whyLeft({ current: newer, held: null }, { release: newer }, deployed(newer))).toBeUndefined();
    expect(whyLeft({ current: newer, held }, { release: newer }, deployed(newer))).toBeUndefined();
    expect(whyLeft({ current: newer, held: null }, { release: newer }, undefined)).toBeUndefined();
  });

  test.each([
    ["was rolled back by hand", { current: older, held }, older, newer],
    ["was switched by other means", { current: older, held: null }, newer, newer],
    ["refused the newest release", { current: older, held: null }, "not deployed by the last update", older],
  ])("one that %s stays, and says how it goes further", (_, told, release, wanted) => {
    const why = whyLeft(told, { release }, deployed(wanted));
    expect(why).toContain("it already runs aaaaaa…-nixos, not the release that is left");
    expect(why).toContain("name it to roll it back further");
  });

  test("one that does not answer is said to come back on what it ran", () => {
    const why = describeRefusal({ name: "web3", refused: "ssh: no route to host." });
    expect(why).toContain("ssh: no route to host. It was not rolled back");
    expect(why).toContain("berth rollback web3");
    const told = { current: older, booted: older, profile: older, held: null, generations: [] };
    expect(describeRefusal({ name: "web1", told, refused: "there is none" })).toBe("there is none");
    expect(describeRefusal({ name: "web1", told })).toBeUndefined();
  });
});
