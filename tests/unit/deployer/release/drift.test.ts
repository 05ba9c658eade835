import { describe, expect, test } from "vitest";
import { driftOf } from "../../../../deployer/release/drift.ts";

const release = "/nix/store/a-system";
const other = "/nix/store/b-system";
const deployed = { release, stack: "prod", host: "web1" };
const healthy = {
  current: release,
  profile: release,
  boots: null,
  pendingReboot: [],
  marker: '{"stack":"prod","host":"web1","server":"4711"}',
  held: null,
  failed: [],
};

const told = (seen: Partial<Parameters<typeof driftOf>[0]>) =>
  driftOf({ ...healthy, ...seen }, deployed).map(({ what, mended }) => [mended ? "mended" : "told", what]);

describe("a host", () => {
  test("that is as it was left has no drift", () => {
    expect(told({})).toEqual([]);
  });

  test("that was switched by hand runs something else, and its next boot does too", () => {
    expect(told({ current: other, profile: other })).toEqual([
      ["mended", `it runs ${other}, not ${release}`],
    ]);
  });

  test("whose system was tried without being kept runs something else", () => {
    expect(told({ current: other })).toEqual([["mended", `it runs ${other}, not ${release}`]]);
  });

  test("that would boot something else is told of", () => {
    expect(told({ profile: other })).toEqual([["mended", `its next boot starts ${other}, not ${release}`]]);
    expect(told({ profile: null })).toEqual([["mended", `its next boot starts nothing, not ${release}`]]);
    expect(told({ boots: other })).toEqual([["mended", `its next boot starts ${other}, not ${release}`]]);
    expect(told({ boots: release })).toEqual([]);
  });

  test("with another kernel than the system's is due for a reboot", () => {
    expect(told({ pendingReboot: ["kernel", "initrd"] })).toEqual([
      ["told", "a reboot is due: it still runs the kernel, initrd of another system"],
    ]);
  });

  test.each([
    ["without its marker", null, "is gone"],
    ["whose marker is spoiled", "garbage", "cannot be read"],
    [
      "with another's marker",
      '{"stack":"other","host":"db9","server":"1"}',
      "says that it is db9 of stack other",
    ],
  ])("%s is told of", (_, marker, trouble) => {
    expect(told({ marker })).toEqual([
      [
        "told",
        `/etc/berth/install.json ${trouble}, and should say that it is web1 of stack prod; put it back, or no later installation knows it`,
      ],
    ]);
  });

  test("with failed units is told of, by name", () => {
    expect(
      told({
        failed: [
          { unit: "a.service", journal: "" },
          { unit: "b.service", journal: "" },
        ],
      }),
    ).toEqual([["told", "these units have failed: a.service, b.service"]]);
  });
});
