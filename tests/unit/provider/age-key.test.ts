import { Decrypter, Encrypter } from "age-encryption";
import { expect, test } from "vitest";
import { ageKey } from "../../../provider/resources/age-key.ts";
import { callOf } from "../../call.ts";

const call = callOf("one");

test("what is encrypted for the recipient is read with the identity, and with no other's", async () => {
  const [ours, others] = await Promise.all([ageKey.create({}, call), ageKey.create({}, call)]);
  expect(ours.outputs.recipient).toMatch(/^age1[02-9ac-hj-np-z]{58}$/);
  const encrypter = new Encrypter();
  encrypter.addRecipient(String(ours.outputs.recipient));
  const encrypted = await encrypter.encrypt("for web1 alone");
  const read = (identity: unknown) => {
    const decrypter = new Decrypter();
    decrypter.addIdentity(String(identity));
    return decrypter.decrypt(encrypted, "text");
  };
  expect(await read(ours.outputs.identity)).toBe("for web1 alone");
  await expect(read(others.outputs.identity)).rejects.toThrow();
});

test("the identity is a secret, the recipient is not", () => {
  expect(ageKey.secretOutputs).toEqual(["identity"]);
});

test("an input is refused by name", async () => {
  const { failures } = (await ageKey.check?.({ seed: "x" }, {}, call)) ?? {};
  expect(failures).toEqual([{ property: "seed", reason: "an AgeKey has no inputs" }]);
});
