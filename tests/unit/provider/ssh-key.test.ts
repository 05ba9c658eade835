import { createPublicKey } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import sshpk from "sshpk";
import { describe, expect, test } from "vitest";
import type { Properties } from "../../../provider/framework/types.ts";
import { rotationClash, sshKey } from "../../../provider/resources/ssh-key.ts";
import { EngineDouble, secret, UNKNOWN } from "./client.ts";

const TYPE = "berth:identity:SshKey";
const start = () =>
  EngineDouble.start({ name: "berth", version: "0.1.0", resources: { [TYPE]: sshKey } }, TYPE);

const plain = (value: unknown): string => (value as { value: string }).value;

describe("an SshKey", () => {
  test("is an ed25519 pair in OpenSSH's formats, with its fingerprint, the private half secret", async () => {
    await using engine = await start();
    const { outputs } = await engine.create("host", { comment: "root@web1" });
    expect(outputs.publicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]{68} root@web1$/);
    expect(outputs.privateKey).toEqual(
      secret(expect.stringMatching(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/)),
    );
    const key = sshpk.parsePrivateKey(plain(outputs.privateKey), "openssh");
    expect(key.type).toBe("ed25519");
    expect(key.toPublic().fingerprint("sha256").toString()).toBe(outputs.fingerprint);
    expect(sshpk.parseKey(String(outputs.publicKey), "ssh").fingerprint("sha256").toString()).toBe(
      outputs.fingerprint,
    );
  });

  test("is what ssh-keygen takes it for", async ({ skip }) => {
    const { failed } = await execa("ssh-keygen", ["-?"], { reject: false }).then(({ code }) => ({
      failed: code === "ENOENT",
    }));
    skip(failed, "ssh-keygen is not installed");
    await using engine = await start();
    const { outputs } = await engine.create("host", { comment: "root@web1" });
    const folder = await mkdtemp(join(tmpdir(), "berth-key-"));
    try {
      const file = join(folder, "key");
      await writeFile(file, plain(outputs.privateKey), { mode: 0o600 });
      await chmod(file, 0o600);
      expect((await execa("ssh-keygen", ["-y", "-f", file])).stdout).toBe(outputs.publicKey);
      expect((await execa("ssh-keygen", ["-l", "-f", file])).stdout).toBe(
        `256 ${outputs.fingerprint} root@web1 (ED25519)`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("is another one each time", async () => {
    await using engine = await start();
    const [one, other] = [
      await engine.create("a", { comment: "" }),
      await engine.create("b", { comment: "" }),
    ];
    expect(one.outputs.fingerprint).not.toBe(other.outputs.fingerprint);
    expect(one.id).not.toBe(other.id);
  });

  test("keeps its key when its comment changes", async () => {
    await using engine = await start();
    const made = await engine.create("host", { comment: "before" });
    const olds = { inputs: { comment: "before" }, outputs: made.outputs, id: made.id };
    const diff = await engine.diff("host", olds, { comment: "after" });
    expect(diff).toMatchObject({ changes: true, detailed: { comment: "update" }, replaces: [] });
    const updated = await engine.update("host", olds, { comment: "after" });
    expect(updated).toEqual({
      ...made.outputs,
      comment: "after",
      publicKey: String(made.outputs.publicKey).replace(/ before$/, " after"),
    });
  });

  test("is another one in another generation, and tells the public keys it had", async () => {
    await using engine = await start();
    const made = await engine.create("host", { comment: "web1" });
    let olds = { inputs: { comment: "web1" }, outputs: made.outputs, id: made.id };
    const keys = [made.outputs.publicKey];
    for (const generation of ["2026-11", "2027-05"]) {
      const inputs = { comment: "web1", generation };
      expect((await engine.diff("host", olds, inputs)).changes).toBe(true);
      const outputs = await engine.update("host", olds, inputs);
      expect(keys).not.toContain(outputs.publicKey);
      expect(outputs).toMatchObject({ generation, former: keys });
      expect(plain(outputs.privateKey)).not.toBe(plain(olds.outputs.privateKey));
      keys.push(outputs.publicKey);
      olds = { ...olds, inputs, outputs };
    }
  });

  test("stays when it is given the generation it has, another comment, or none any more", async () => {
    await using engine = await start();
    const inputs = { comment: "web1", generation: "1" };
    const { id, outputs } = await engine.create("host", inputs);
    const olds = { inputs, outputs, id };
    const commented = await engine.update("host", olds, { ...inputs, comment: "web2" });
    expect(plain(commented.privateKey)).toBe(plain(outputs.privateKey));
    const { inputs: without } = await engine.check("host", { comment: "web1" }, inputs);
    expect(without).toEqual(inputs);
    expect((await engine.diff("host", olds, without)).changes).toBe(false);
  });

  test("is not known in the preview of another generation, but for the keys it had", async () => {
    await using engine = await start();
    const { id, outputs } = await engine.create("host", { comment: "web1" });
    const olds = { inputs: { comment: "web1" }, outputs, id };
    const shown = await engine.update("host", olds, { comment: "web1", generation: "1" }, { preview: true });
    expect(shown).toEqual({
      comment: "web1",
      generation: "1",
      publicKey: UNKNOWN,
      privateKey: secret(UNKNOWN),
      fingerprint: UNKNOWN,
      former: [outputs.publicKey],
    });
  });

  test("is unknown in a preview until it exists, and then known but for what changes", async () => {
    await using engine = await start();
    expect((await engine.create("host", { comment: "c" }, { preview: true })).outputs).toEqual({
      comment: "c",
    });
    const made = await engine.create("host", { comment: "c" });
    const olds = { inputs: { comment: "c" }, outputs: made.outputs, id: made.id };
    const shown = await engine.update("host", olds, { comment: UNKNOWN }, { preview: true });
    expect(shown).toEqual({ ...made.outputs, comment: UNKNOWN, publicKey: UNKNOWN });
  });

  test.each([
    [{ comment: "two\nlines" }, "comment", /one line/],
    [{ comment: 5 }, "comment", /text is needed/],
    [{ comment: "c", bits: 4096 }, "bits", /no such input/],
  ])("refuses %j", async (inputs, property, reason) => {
    await using engine = await start();
    expect((await engine.check("host", inputs)).failures).toEqual([
      [property, expect.stringMatching(reason)],
    ]);
  });

  test("is a key OpenSSL agrees about", async () => {
    await using engine = await start();
    const { outputs } = await engine.create("host", { comment: "" });
    const pem = sshpk.parsePrivateKey(plain(outputs.privateKey), "openssh").toPublic().toString("pkcs8");
    expect(createPublicKey(pem).asymmetricKeyType).toBe("ed25519");
  });
});

describe("another generation and a reinstall of the host", () => {
  const clash = expect.stringContaining("identity.rotate and reinstall of one host are two updates");
  const both = { generation: "1", reinstall: "4711 a" };

  test.each<[string, Properties, Properties, unknown]>([
    ["are refused in one update", { comment: "" }, both, clash],
    ["are refused when both had other values", { generation: "0", reinstall: "4711 0" }, both, clash],
    [
      "are refused when the words stood already and both change",
      both,
      { generation: "2", reinstall: "b" },
      clash,
    ],
    ["are no news when the words are left standing", both, both, undefined],
    ["are two updates when the reinstall came first", { reinstall: "4711 a" }, both, undefined],
    ["are two updates when the rotation came first", { generation: "1" }, both, undefined],
    ["leave a rotation alone", { comment: "" }, { generation: "1" }, undefined],
    ["leave a reinstall alone", { comment: "" }, { reinstall: "4711 a" }, undefined],
    [
      "leave a reinstall alone whose host was rotated, as the word is taken away",
      both,
      { reinstall: "b" },
      undefined,
    ],
    ["leave a new host alone, which has neither", {}, both, undefined],
  ])("%s", (_, olds, news, expected) => {
    expect(rotationClash(olds, news)).toEqual(expected);
  });

  test("are refused by the provider before the key is changed", async () => {
    await using engine = await start();
    const { failures } = await engine.check("host", { comment: "web1", ...both }, { comment: "web1" });
    expect(failures).toEqual([["generation", clash]]);
  });

  test("are remembered when the words are taken away, so that the same ones are no news later on", async () => {
    await using engine = await start();
    const { inputs } = await engine.check("host", { comment: "web1" }, { comment: "web1", ...both });
    expect(inputs).toEqual({ comment: "web1", ...both });
  });
});
