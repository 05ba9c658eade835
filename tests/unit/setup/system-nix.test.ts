import { expect, test } from "vitest";
import { settingsForSystemNix, untrusted } from "../../../lab/setup/steps/nix.mjs";

test("a Nix that is there keeps its user's settings and gains flakes and a relaxed sandbox", () => {
  const { env } = settingsForSystemNix("cores = 2", "root:x:0:\nnixbld:x:30000:nixbld1\n");
  expect(env.NIX_CONFIG?.split("\n")).toEqual([
    "cores = 2",
    "extra-experimental-features = nix-command flakes",
    "sandbox = relaxed",
  ]);
  expect(settingsForSystemNix(undefined, "").env.NIX_CONFIG).not.toMatch(/^\n/);
});

test("a Nix without its group of builders builds as the user it runs as", () => {
  expect(settingsForSystemNix(undefined, "root:x:0:\n").env.NIX_CONFIG).toMatch(/^build-users-group =$/m);
});

test.each([
  ['{"trusted":1,"url":"local","version":"2.26.3"}', undefined],
  ['{"trusted":true,"url":"daemon","version":"2.31.0"}', undefined],
  ['{"trusted":0,"url":"daemon","version":"2.26.3"}', expect.stringContaining("/etc/nix/nix.conf")],
  ['{"url":"daemon","version":"2.18.0"}', expect.stringContaining("run as root")],
  ["", expect.stringContaining("does not let this user relax its sandbox")],
])("whether a Nix trusts this user is read from %s", (info, expected) => {
  expect(untrusted(info)).toEqual(expected);
});
