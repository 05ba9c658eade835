import { expect, test } from "vitest";
import { type Facts, parseOsRelease } from "../../../lab/setup/facts.mjs";
import { chooseLayers, layerNames } from "../../../lab/setup/layers.mjs";
import { judgeLayers, labRefusal, refusal, spaceRefusal } from "../../../lab/setup/preflight.mjs";

const debian: Facts = {
  platform: "linux",
  arch: "x64",
  node: "20.11.0",
  os: "Debian GNU/Linux 12 (bookworm)",
  osIds: ["debian"],
  root: "sudo",
  confined: false,
  freeMB: 50_000,
};
const mac: Facts = { ...debian, platform: "darwin", os: "darwin", osIds: [], arch: "arm64", root: "asks" };

test.each<[string, Facts, RegExp | undefined]>([
  ["Debian with sudo", debian, undefined],
  ["root", { ...debian, root: "root" }, undefined],
  ["sudo that asks for a password", { ...debian, root: "asks" }, undefined],
  ["Ubuntu", { ...debian, os: "Ubuntu 24.04", osIds: ["ubuntu", "debian"] }, undefined],
  ["a derivative of Ubuntu", { ...debian, os: "Mint", osIds: ["linuxmint", "ubuntu", "debian"] }, undefined],
  ["Fedora", { ...debian, os: "Fedora Linux 41", osIds: ["fedora"] }, /Debian or Ubuntu.*Fedora Linux 41/],
  ["macOS", mac, /Debian or Ubuntu.*macOS/],
  ["ARM", { ...debian, arch: "arm64" }, /x86_64.*arm64/],
  ["no way to become root", { ...debian, root: "none" }, /needs root/],
  ["root in a plain container", { ...debian, root: "root", confined: true }, /--privileged/],
])("whether the lab can be had: %s", (_, facts, expected) => {
  if (expected === undefined) expect(labRefusal(facts)).toBeUndefined();
  else expect(labRefusal(facts)).toMatch(expected);
});

test("a Node older than 20 is refused by its number", () => {
  expect(refusal({ node: "18.19.0" })).toMatch(/Node 20 .*18\.19\.0/);
  expect(refusal({ node: "20.0.0" })).toBeUndefined();
});

test("on macOS only the layers that need neither Linux nor root run, and each other one is skipped with the reason", () => {
  const { run, skip } = judgeLayers(mac, layerNames, { nixReady: false });
  expect(run).toEqual(["check", "unit", "components"]);
  expect(skip.map(({ layer }) => layer)).toEqual(["lab", "e2e", "nix"]);
  for (const { reason } of skip) expect(reason).toMatch(/macOS/);
});

test("where Nix is ready its layer runs without root", () => {
  const verdict = judgeLayers({ ...debian, root: "none" }, layerNames, { nixReady: true });
  expect(verdict.run).toEqual(["check", "unit", "components", "nix"]);
});

test("the disk space refused names every missing part, and an exact fit is enough", () => {
  const missing = [
    { title: "Nix", diskMB: 350 },
    { title: "npm packages", diskMB: 650 },
  ];
  expect(spaceRefusal({ freeMB: 1000 }, missing)).toBeUndefined();
  expect(spaceRefusal({ freeMB: 999 }, missing)).toBe(
    "needs 1000 MB of free disk space (Nix 350 MB, npm packages 650 MB); 999 MB are free",
  );
});

test.each([
  [[], { layers: layerNames, rest: [] }],
  [["components", "unit"], { layers: ["unit", "components"], rest: [] }],
  [["unit", "deployer/ssh", "-t", "lab"], { layers: ["unit"], rest: ["deployer/ssh", "-t", "lab"] }],
  [["quoting"], { layers: layerNames, rest: ["quoting"] }],
])("npm test %j runs what it names", (argv, expected) => {
  expect(chooseLayers(argv)).toEqual(expected);
});

test("os-release is read with and without quotes, and comments are not", () => {
  const text = `PRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\nID_LIKE='debian x'\n# ID=fedora\n\n`;
  expect(parseOsRelease(text)).toEqual({
    PRETTY_NAME: "Ubuntu 24.04.1 LTS",
    ID: "ubuntu",
    ID_LIKE: "debian x",
  });
});
