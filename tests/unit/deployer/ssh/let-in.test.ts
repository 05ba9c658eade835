import { generateKeyPairSync } from "node:crypto";
import sshpk from "sshpk";
import { expect, test } from "vitest";
import { howToBeLetIn, publicLineOf } from "../../../../deployer/ssh/let-in.ts";

test("whoever is not let in by the stack's own key is given the line that lets it in, and nothing that is secret", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = sshpk.parsePrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }), "pkcs8");
  const loginKey = key.toString("ssh-private");
  const said = howToBeLetIn({ user: "ada" }, publicLineOf(loginKey));
  expect(said).toContain("~ada/.ssh/authorized_keys");
  expect(said.split("\n").at(-1)).toBe(key.toPublic().toString("ssh"));
  expect(said).not.toContain(loginKey.split("\n")[3]);
});

test("with an agent's key it is the agent that is looked at", () => {
  expect(howToBeLetIn({ user: "root" }, undefined)).toMatch(/^see that your ssh agent has a key/);
});
