import { expect, test } from "vitest";
import { debianPackages } from "../../../lab/setup/packages.mjs";
import { parseRootRequest } from "../../../lab/setup/root-verbs.mjs";

test.each([
  [["packages", "nftables", "patchelf"], { verb: "packages", names: ["nftables", "patchelf"] }],
  [["nix-store"], { verb: "nix-store" }],
  [["image", "--cache", "/home/ada/.cache/berth"], { verb: "image", cache: "/home/ada/.cache/berth" }],
  [["lab", "--lab", "/x/.lab", "--cache", "/c"], { verb: "lab", lab: "/x/.lab", cache: "/c" }],
  [["purge", "--lab", "/x/.lab"], { verb: "purge", lab: "/x/.lab" }],
])("root accepts %j", (argv, expected) => {
  expect(parseRootRequest(argv)).toEqual(expected);
});

test.each<[string, unknown[]]>([
  ["an unknown verb", ["sh", "-c", "id"]],
  ["no verb", []],
  ["a package that is not in the list", ["packages", "nmap"]],
  ["an option in the place of a package", ["packages", "nftables", "-o=Dir::Etc=/x"]],
  ["a name every object has", ["packages", "constructor"]],
  ["no package at all", ["packages"]],
  ["arguments where there are none", ["nix-store", "/etc"]],
  ["a missing folder", ["image"]],
  ["a relative folder", ["image", "--cache", "cache"]],
  ["a folder that climbs", ["purge", "--lab", "/home/ada/../.."]],
  ["the root folder", ["purge", "--lab", "/"]],
  ["a folder with a trailing slash", ["purge", "--lab", "/etc/"]],
  ["another option", ["purge", "--cache", "/x"]],
  ["options in another order", ["lab", "--cache", "/c", "--lab", "/l"]],
  ["something that is not text", ["purge", "--lab", { toString: () => "/x" }]],
])("root refuses %s", (_, argv) => {
  expect(() => parseRootRequest(argv)).toThrow(/./);
});

test("the list of packages is what it accepts, all of it", () => {
  const names = Object.keys(debianPackages);
  expect(parseRootRequest(["packages", ...names])).toEqual({ verb: "packages", names });
});
