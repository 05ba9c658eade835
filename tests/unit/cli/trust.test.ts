import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { introduce, parseJump, trust } from "../../../cli/trust.ts";
import { existing } from "../../../config/host.ts";
import { adasKey } from "../config/samples.ts";

const key = adasKey.split(" ").slice(0, 2).join(" ");

describe("a machine on the way", () => {
  test.each<[string, ReturnType<typeof parseJump>]>([
    ["198.51.100.1", { address: "198.51.100.1", port: 22, user: "root" }],
    ["ada@198.51.100.1", { address: "198.51.100.1", port: 22, user: "ada" }],
    ["ada@gate.example.org:2222", { address: "gate.example.org", port: 2222, user: "ada" }],
    ["2001:db8::1", { address: "2001:db8::1", port: 22, user: "root" }],
    ["ada@2001:db8::1", { address: "2001:db8::1", port: 22, user: "ada" }],
    ["ada@[2001:db8::1]:2222", { address: "2001:db8::1", port: 2222, user: "ada" }],
    ["[gate]:22", undefined],
    ["gate:0", undefined],
    ["gate:65536", undefined],
    ["a@b@c", undefined],
    ["", undefined],
  ])("%j is %o", (text, expected) => {
    expect(parseJump(text)).toEqual(expected);
  });

  test("is not gone through without its key, and it is said how that is found", async () => {
    const jump = { address: "198.51.100.1", port: 2222, user: "ada" };
    await expect(trust("10.0.0.2", { port: 22, jump })).rejects.toThrow(
      "go through 198.51.100.1: its own host key is not known. Next: give it with --jump-key; berth trust 198.51.100.1 --port 2222 shows it.",
    );
  });

  test("is written down with the machine behind it, as a stack's configuration takes it", () => {
    const jump = { address: "2001:db8::1", port: 2222, user: "ada", hostKey: key };
    const text = introduce("10.0.0.2", 22, key, jump);
    const { NAME } = parse(text.slice(text.indexOf("  berth:hosts:")))["berth:hosts"];
    expect(existing.parse(NAME.existing)).toMatchObject({ address: "10.0.0.2", hostKey: key, jump });
  });
});

test("a private key that is not there is said by its file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-trust-"));
  try {
    await expect(trust("10.0.0.2", { port: 22, identity: join(folder, "login") })).rejects.toThrow(
      `read the private key ${join(folder, "login")}: ENOENT`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
