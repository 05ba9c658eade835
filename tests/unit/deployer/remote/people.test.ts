import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeRootKeys } from "../../../../deployer/people/write.ts";
import { run } from "../../../../deployer/process.ts";
import { remote } from "../../../../deployer/remote/scripts.ts";
import type { SshSession } from "../../../../deployer/ssh/session.ts";

/** A host's /root, and its programs that say who there is. */
let root: string;
let bin: string;
let file: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "berth-people-"));
  bin = join(root, "bin");
  file = join(root, ".ssh/authorized_keys");
  mkdirSync(bin);
  mkdirSync(join(root, ".ssh"));
  mkdirSync(join(root, "keys.d"));
  program(
    "getent",
    `printf 'root:x:0:0::${root}:/bin/sh\\nnobody:x:1:1::/:/usr/sbin/nologin\\nada:x:2:2::${root}/none:/bin/sh\\n'`,
  );
  program(
    "sshd",
    `printf 'passwordauthentication no\\nauthorizedkeysfile .ssh/authorized_keys ${root}/keys.d/%%u\\ntrustedusercakeys none\\n'`,
  );
});
afterEach(() => rmSync(root, { recursive: true }));

function program(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** This machine plays the host; `lets` says whether a new connection is let in. */
const host = (lets = true) =>
  ({
    label: "web1 (203.0.113.7)",
    target: { host: "web1" },
    sh: async (script: string, { input = "", fresh = false }) => {
      if (fresh) return { exitCode: lets ? 0 : 255, stdout: "", stderr: lets ? "" : "Permission denied" };
      const here = script.replaceAll("/root/.ssh", join(root, ".ssh")).replace("\nPATH=", `\nPATH=${bin}:`);
      return run("sh", ["-c", here], { input, deadline: 60_000 });
    },
  }) as unknown as SshSession;
const look = () => remote(host(), "people", {}, { deadline: 60_000 });
const digest = (text: string) => createHash("sha256").update(text).digest("hex");

const own = "ssh-ed25519 AAAAown berth prod";
const ada = 'from="198.51.100.1",command="echo \\"hi\\"" ssh-ed25519 AAAAada ada@example.org';

describe("a look at who may log in", () => {
  test("has every key of every account with a shell, as it is written, and sshd's other ways", async () => {
    writeFileSync(file, `# mine\n${own}\n\n${ada}`);
    writeFileSync(join(root, "keys.d/root"), "ssh-rsa AAAAflake flake\n");
    writeFileSync(join(root, "keys.d/nobody"), "ssh-rsa AAAAnobody\n");
    writeFileSync(join(root, "keys.d/ada"), "ssh-rsa AAAAown ada\n");
    const seen = await look();
    expect(seen.keys).toEqual([
      { user: "root", file, line: own },
      { user: "root", file, line: ada },
      { user: "root", file: join(root, "keys.d/root"), line: "ssh-rsa AAAAflake flake" },
      { user: "ada", file: join(root, "keys.d/ada"), line: "ssh-rsa AAAAown ada" },
    ]);
    expect(seen).toMatchObject({ passwords: "no", authorities: "none", command: "" });
  });

  test("tells what root's list is, and of one that something else keeps why it is not", async (context) => {
    expect((await look()).root).toEqual({ text: null, digest: "", because: "is not there" });
    symlinkSync("/etc/hostname", file);
    expect((await look()).root.because).toBe("is a link: something else keeps it");
    rmSync(file);
    writeFileSync(file, `${own}\n`);
    if (statSync(file).uid !== 0) context.skip("only root has files of root's");
    expect((await look()).root).toMatchObject({
      text: expect.stringContaining(own),
      digest: digest(`${own}\n`),
    });
  });
});

describe("another list of root's keys", () => {
  const before = `${own}\n`;
  const after = `${own}\n${ada}\n`;
  const leftovers = () => [".berth-before", ".berth-new"].filter((end) => existsSync(`${file}${end}`));

  test("is put in place, for root alone to read, and nothing is left beside it", async () => {
    writeFileSync(file, before);
    await writeRootKeys(host(), digest(before), after);
    expect(readFileSync(file, "utf8")).toBe(after);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(leftovers()).toEqual([]);
  });

  test("with which the host lets nobody in is taken back", async () => {
    writeFileSync(file, before);
    await expect(writeRootKeys(host(false), digest(before), after)).rejects.toThrow(
      "write root's keys: with them the host let nobody in: Permission denied. The keys before are back.",
    );
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(leftovers()).toEqual([]);
  });

  test("is refused where the list has changed since it was looked at, is a link, or would be empty", async () => {
    writeFileSync(file, `${before}# new\n`);
    const refused = (text = after) => writeRootKeys(host(), digest(before), text);
    await expect(refused()).rejects.toThrow("has changed since it was looked at. Nothing was changed.");
    writeFileSync(file, before);
    await expect(refused("")).rejects.toThrow("the new list is empty");
    expect(readFileSync(file, "utf8")).toBe(before);
    rmSync(file);
    symlinkSync(join(root, "elsewhere"), file);
    await expect(refused()).rejects.toThrow("is no plain file any more");
  });
});

test("a step that there is not is refused", async () => {
  const ended = await remote(host(), "people-write", { id: "other" }, { deadline: 60_000 });
  expect(ended).toEqual({ ok: false, because: "unknown step: other" });
});
