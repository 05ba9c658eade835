import { expect, test } from "vitest";
import { keyBytes, withoutComment } from "../../../config/public-key.ts";

test.each([
  ["with a comment", "ssh-ed25519 QUJD ada@example.org"],
  ["with a comment of several words", "ssh-ed25519 QUJD ada at home"],
  ["without one", "ssh-ed25519 QUJD"],
  ["as a line of a file", "  ssh-ed25519\tQUJD  ada@example.org\n"],
])("a public key %s is the same key", (_, line) => {
  expect(withoutComment(line)).toBe("ssh-ed25519 QUJD");
  expect(keyBytes(line).toString()).toBe("ABC");
});

test("a line without data has no bytes", () => {
  expect(keyBytes("ssh-ed25519")).toHaveLength(0);
});
