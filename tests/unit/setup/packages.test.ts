import { expect, test } from "vitest";
import { debianPackages, missingPackages } from "../../../lab/setup/packages.mjs";

test("every package says why, and how its presence is seen", () => {
  for (const [name, entry] of Object.entries(debianPackages)) {
    expect(name).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
    expect(entry.why.length).toBeGreaterThan(10);
    expect([entry.program, entry.file].filter(Boolean)).toHaveLength(1);
  }
});

test("what is there is not asked for, and what only tests use is asked for by tests alone", () => {
  const isThere = (entry: { program?: string }) => entry.program === "ip";
  const forTests = missingPackages({ tests: true }, isThere);
  const forLab = missingPackages({ tests: false }, isThere);
  expect(forTests).not.toContain("iproute2");
  expect(forTests).toEqual(expect.arrayContaining(["nftables", "shellcheck", "hcloud-cli"]));
  expect(forLab).toContain("nftables");
  expect(forLab).not.toContain("shellcheck");
});

test("what Ubuntu does not have is not asked for there", () => {
  const on = (system: string) => missingPackages({ tests: true }, () => false, system);
  expect(on("debian")).toContain("chromium");
  expect(on("ubuntu")).not.toContain("chromium");
  expect(on("ubuntu")).toContain("shellcheck");
});
