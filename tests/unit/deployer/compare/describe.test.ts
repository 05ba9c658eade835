import { describe, expect, test } from "vitest";
import { details, size, summary } from "../../../../deployer/compare/describe.ts";
import type { SystemChange } from "../../../../deployer/compare/systems.ts";

const nothing: SystemChange = {
  closure: { added: [], removed: [], changed: [], bytesBefore: 230e6, bytesAfter: 230e6 },
  units: [],
  reboot: [],
};

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [999.6, "1.0 kB"],
  [1_000, "1.0 kB"],
  [12_340_000, "12.3 MB"],
  [230_000_000, "230 MB"],
  [999_960_000, "1.0 GB"],
  [-1_500, "-1.5 kB"],
])("%d bytes are %s", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

describe("the line for the tree", () => {
  test("tells a switch that changes nothing that runs", () => {
    expect(summary(nothing)).toBe("switch; no unit changes; no package differs; 230 MB (+0 B)");
  });

  test("names what restarts, counts packages and says what they weigh", () => {
    const line = summary({
      closure: {
        added: [{ name: "a", before: [], after: ["1"], bytes: 5 }],
        removed: [],
        changed: [
          { name: "b", before: ["1"], after: ["2"], bytes: 5 },
          { name: "c", before: ["1"], after: ["1"], bytes: 0 },
        ],
        bytesBefore: 230e6,
        bytesAfter: 230.4e6,
      },
      units: [
        { unit: "site.service", verb: "restart" },
        { unit: "nginx.service", verb: "reload" },
        { unit: "dbus.service", verb: "leave" },
      ],
      reboot: [],
    });
    expect(line).toBe("switch; restarts site; reloads nginx; 1 package added, 2 changed; 230 MB (+400 kB)");
  });

  test("names four units, and three when there are more", () => {
    const units = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ unit: `u${index}.service`, verb: "restart" as const }));
    expect(summary({ ...nothing, units: units(4) })).toMatch(/restarts u0, u1, u2, u3;/);
    expect(summary({ ...nothing, units: units(6) })).toMatch(/restarts u0, u1, u2 and 3 more;/);
  });

  test.each<[string[], boolean, RegExp]>([
    [[], true, /^switch;/],
    [["kernel", "initrd"], false, /^switch; a reboot is due for another kernel, initrd;/],
    [["kernel"], true, /^switch \+ reboot on trial for another kernel;/],
    [
      ["init interface"],
      false,
      /^REFUSED: it cannot be switched to \(another init interface\), and `reboot` does not let it be booted now;/,
    ],
    [
      ["kernel", "init interface"],
      true,
      /^reboot on trial, as it cannot be switched to \(another kernel, init interface\);/,
    ],
  ])("says what is done about %o, where a reboot may be: %s", (reboot, mayReboot, line) => {
    expect(summary({ ...nothing, reboot }, mayReboot)).toMatch(line);
  });
});

test("the whole has every package and unit", () => {
  const change: SystemChange = {
    closure: {
      added: [{ name: "a", before: [], after: [""], bytes: 5 }],
      removed: [{ name: "z", before: ["1"], after: [], bytes: -5 }],
      changed: [
        { name: "b", before: ["1"], after: ["2"], bytes: 1500 },
        { name: "c", before: ["1"], after: ["1"], bytes: 0 },
      ],
      bytesBefore: 1000,
      bytesAfter: 2500,
    },
    units: [{ unit: "site.service", verb: "restart" }],
    reboot: ["kernel"],
  };
  expect(details(change)).toEqual([
    "Added:",
    "  a: (no version), +5 B",
    "Removed:",
    "  z: 1, -5 B",
    "Changed:",
    "  b: 1 -> 2, +1.5 kB",
    "  c: 1 built otherwise, +0 B",
    "Units:",
    "  restart site.service",
    "A reboot is due for:",
    "  kernel",
    "Size: 1.0 kB -> 2.5 kB (+1.5 kB)",
  ]);
});
