import { expect, test } from "vitest";
import { mask, masker } from "../../../deployer/mask.ts";

test.each([
  ["a variable's value", "the token hunter2-token is wrong"],
  ["the same in an address", `https://x/?q=${encodeURIComponent("s p/a=ce")}`],
  ["the same in a header", `Basic ${Buffer.from("hunter2-token").toString("base64")}`],
  [
    "a private key",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
  ],
  ["a private key that was cut off", "-----BEGIN PRIVATE KEY-----\nb3BlbnNzaC1rZXk"],
  ["an age key", "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQ"],
  ["a forge's token", `ghp_${"a1".repeat(18)}`],
  ["a password in an address", "https://ada:lovelace@registry.example/v2/"],
])("%s does not get out", (_, text) => {
  const env = { HCLOUD_TOKEN: "hunter2-token", DB_PASSWORD: "s p/a=ce", HOME: "/home/ada" };
  const masked = mask(text, env);
  expect(masked).toContain("[secret]");
  for (const secret of ["hunter2", "s%20p", "b3Blbn", "SECRET-KEY-1Q", "a1a1", "lovelace", "aHVudGVyMi"])
    expect(masked).not.toContain(secret);
});

test("what is no secret stays, and so does a word that is too short to be one", () => {
  const text = "web1 runs /nix/store/abc-system in /home/ada; no";
  expect(mask(text, { HOME: "/home/ada", SOME_TOKEN: "no", EMPTY_SECRET: "", PATH: undefined })).toBe(text);
});

test("a secret that is known is taken out as a whole, without its last line's end, and each long line of it", () => {
  const masked = masker({}, ["hunter2\n", "user=web\npassphrase=correct-horse\n", "ab"]);
  expect(masked("it wrote hunter2, user=web and passphrase=correct-horse, ab")).toBe(
    "it wrote [secret], user=web and [secret], ab",
  );
});
