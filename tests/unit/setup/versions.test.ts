import fc from "fast-check";
import { expect, test } from "vitest";
import { pins } from "../../../lab/setup/pins.mjs";
import { atLeast, parseVersion } from "../../../lab/setup/versions.mjs";
import packageJson from "../../../package.json" with { type: "json" };

test.each([
  ["nix (Nix) 2.26.3", [2, 26, 3]],
  ["v3.259.0\n", [3, 259, 0]],
  ["go version go1.26 linux/amd64", [1, 26, 0]],
  ["24", undefined],
  ["", undefined],
])("the version in %j is %j", (text, version) => {
  expect(parseVersion(text)).toEqual(version);
});

test.each([
  ["2.18.0", "2.18.0", true],
  ["2.18", "2.18.0", true],
  ["nix (Nix) 2.9.4", "2.18.0", false],
  ["3.0.0", "2.18.9", true],
  ["2.26.3", "3.0.0", false],
  ["v3.258.9-alpha", "3.259.0", false],
  ["command not found", "1.0.0", false],
])("whether %j is at least %s: %s", (text, wanted, expected) => {
  expect(atLeast(text, wanted)).toBe(expected);
});

test("of two versions the one that is not older is the one whose numbers are not smaller", () => {
  const version = fc.tuple(fc.nat(30), fc.nat(300), fc.nat(30));
  fc.assert(
    fc.property(version, version, (a, b) => {
      const rank = ([x, y, z]: [number, number, number]) => x * 1e6 + y * 1e3 + z;
      expect(atLeast(a.join("."), b.join("."))).toBe(rank(a) >= rank(b));
    }),
  );
});

test("the engine that is set up has the version of the SDK, and the Node that is set up is 24", () => {
  expect(packageJson.dependencies["@pulumi/pulumi"]).toBe(pins.pulumi);
  expect(packageJson.devDependencies.node).toMatch(/^24\./);
});
