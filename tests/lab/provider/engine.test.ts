import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { missingEngine } from "./missing-engine.ts";

/** The provider under the real engine: a project of one SshKey, from nothing to nothing. */

const CHECKOUT = resolve(import.meta.dirname, "../../..");

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
class SshKey extends pulumi.CustomResource {
  constructor(name, args) {
    super("berth:identity:SshKey", name, { publicKey: undefined, privateKey: undefined, fingerprint: undefined, ...args });
  }
}
const key = new SshKey("host", { comment: new pulumi.Config().require("comment") });
export const publicKey = key.publicKey;
export const privateKey = key.privateKey;
`;

interface StateResource {
  type: string;
  id: string;
  outputs: Record<string, unknown>;
}

let because: string | undefined;
let folder: string;

beforeAll(async () => {
  because = await missingEngine();
  folder = await mkdtemp(join(tmpdir(), "berth-engine-"));
  const plugins = { providers: [{ name: "berth", path: join(CHECKOUT, "provider") }] };
  const runtime = { name: "nodejs", options: { typescript: false } };
  await writeFile(
    join(folder, "Pulumi.yaml"),
    JSON.stringify({ name: "keys", runtime, main: "index.js", plugins }),
  );
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "keys", type: "module" }));
  await writeFile(join(folder, "index.js"), PROGRAM);
  await symlink(join(CHECKOUT, "node_modules"), join(folder, "node_modules"));
  await mkdir(join(folder, "state"));
  if (!because) await succeeded("stack", "init");
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

beforeEach(({ skip }) => {
  skip(because !== undefined, because);
});

async function pulumi(...args: string[]) {
  return await execa("pulumi", [...args, "-s", "dev", "--non-interactive"], {
    cwd: folder,
    reject: false,
    env: {
      BERTH_NODE: process.execPath,
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: "of the test",
      PULUMI_IGNORE_AMBIENT_PLUGINS: "1",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    },
  });
}

async function succeeded(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await pulumi(...args);
  expect(`${exitCode}\n${exitCode === 0 ? "" : stdout + stderr}`).toBe("0\n");
  return stdout;
}

/** The key as the state holds it; with `--show-secrets` in the clear, since each writing encrypts anew. */
async function key(...flags: "--show-secrets"[]): Promise<StateResource | undefined> {
  const text = await succeeded("stack", "export", ...flags);
  const { deployment } = JSON.parse(text) as { deployment: { resources?: StateResource[] } };
  return deployment.resources?.find(({ type }) => type === "berth:identity:SshKey");
}

describe("an SshKey under the engine", () => {
  test("is unknown in a preview", async () => {
    await succeeded("config", "set", "comment", "root@web1");
    const preview = await succeeded("preview");
    expect(preview).toMatch(/\+ +berth:identity:SshKey host create/);
    expect(preview).toMatch(/publicKey *: \[unknown\]/);
  });

  test("is made by an update, its private half encrypted in the state and hidden in the output", async () => {
    const up = await succeeded("up", "--yes", "--skip-preview");
    expect(up).toMatch(/publicKey *: "ssh-ed25519 \S+ root@web1"/);
    expect(up).toMatch(/privateKey *: \[secret\]/);
    const made = await key();
    expect(made?.outputs.privateKey).toHaveProperty("ciphertext");
    expect(JSON.stringify(made)).not.toContain("PRIVATE KEY");
    expect(await succeeded("stack", "output", "privateKey", "--show-secrets")).toContain(
      "BEGIN OPENSSH PRIVATE KEY",
    );
  });

  test("is left alone by the next update and by a refresh", async () => {
    const before = await key("--show-secrets");
    await succeeded("up", "--yes", "--skip-preview", "--expect-no-changes");
    await succeeded("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    expect((await key("--show-secrets"))?.outputs).toEqual(before?.outputs);
  });

  test("keeps its key when the comment changes", async () => {
    const before = await key("--show-secrets");
    await succeeded("config", "set", "comment", "root@web2");
    expect(await succeeded("preview", "--diff")).toMatch(/~ comment: "root@web1" => "root@web2"/);
    await succeeded("up", "--yes", "--skip-preview");
    const after = await key("--show-secrets");
    expect(after?.id).toBe(before?.id);
    expect(after?.outputs.fingerprint).toBe(before?.outputs.fingerprint);
    expect(after?.outputs.publicKey).toMatch(/ root@web2$/);
  });

  test("is refused by one clear line when its comment is none, with the state as it was", async () => {
    const before = await key("--show-secrets");
    await succeeded("config", "set", "comment", "two\nlines");
    const { exitCode, stdout, stderr } = await pulumi("up", "--yes", "--skip-preview");
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toContain("a comment is part of one line: no line breaks or control characters");
    expect(stdout + stderr).not.toMatch(/INTERNAL|UNKNOWN:|\.ts:\d+/);
    expect((await key("--show-secrets"))?.outputs).toEqual(before?.outputs);
  });

  test("goes with the stack", async () => {
    await succeeded("destroy", "--yes", "--skip-preview");
    expect(await key("--show-secrets")).toBeUndefined();
  });
});
