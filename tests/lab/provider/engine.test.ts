import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkout } from "../../../lab/setup/places.mjs";
import { type Project, project } from "./project.ts";

/** The provider under the real engine: a project of one SshKey, from nothing to nothing. */

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

let keys: Project;

beforeAll(async () => {
  const provider = { name: "berth", path: join(checkout, "provider") };
  const env = { BERTH_NODE: process.execPath };
  keys = await project({ name: "keys", program: PROGRAM, provider, env });
});

afterAll(() => keys?.[Symbol.asyncDispose]());

beforeEach(({ skip }) => {
  skip(keys.because !== undefined, keys.because);
});

/** The key as the state holds it; with `--show-secrets` in the clear, since each writing encrypts anew. */
async function key(...flags: "--show-secrets"[]): Promise<StateResource | undefined> {
  const text = await keys.succeeded("stack", "export", ...flags);
  const { deployment } = JSON.parse(text) as { deployment: { resources?: StateResource[] } };
  return deployment.resources?.find(({ type }) => type === "berth:identity:SshKey");
}

describe("an SshKey under the engine", () => {
  test("is unknown in a preview", async () => {
    await keys.succeeded("config", "set", "comment", "root@web1");
    const preview = await keys.succeeded("preview");
    expect(preview).toMatch(/\+ +berth:identity:SshKey host create/);
    expect(preview).toMatch(/publicKey *: \[unknown\]/);
  });

  test("is made by an update, its private half encrypted in the state and hidden in the output", async () => {
    const up = await keys.succeeded("up", "--yes", "--skip-preview");
    expect(up).toMatch(/publicKey *: "ssh-ed25519 \S+ root@web1"/);
    expect(up).toMatch(/privateKey *: \[secret\]/);
    const made = await key();
    expect(made?.outputs.privateKey).toHaveProperty("ciphertext");
    expect(JSON.stringify(made)).not.toContain("PRIVATE KEY");
    expect(await keys.succeeded("stack", "output", "privateKey", "--show-secrets")).toContain(
      "BEGIN OPENSSH PRIVATE KEY",
    );
  });

  test("is left alone by the next update and by a refresh", async () => {
    const before = await key("--show-secrets");
    await keys.succeeded("up", "--yes", "--skip-preview", "--expect-no-changes");
    await keys.succeeded("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    expect((await key("--show-secrets"))?.outputs).toEqual(before?.outputs);
  });

  test("keeps its key when the comment changes", async () => {
    const before = await key("--show-secrets");
    await keys.succeeded("config", "set", "comment", "root@web2");
    expect(await keys.succeeded("preview", "--diff")).toMatch(/~ comment: "root@web1" => "root@web2"/);
    await keys.succeeded("up", "--yes", "--skip-preview");
    const after = await key("--show-secrets");
    expect(after?.id).toBe(before?.id);
    expect(after?.outputs.fingerprint).toBe(before?.outputs.fingerprint);
    expect(after?.outputs.publicKey).toMatch(/ root@web2$/);
  });

  test("is refused by one clear line when its comment is none, with the state as it was", async () => {
    const before = await key("--show-secrets");
    await keys.succeeded("config", "set", "comment", "two\nlines");
    const { exitCode, stdout, stderr } = await keys.pulumi("up", "--yes", "--skip-preview");
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toContain("a comment is part of one line: no line breaks or control characters");
    expect(stdout + stderr).not.toMatch(/INTERNAL|UNKNOWN:|\.ts:\d+/);
    expect((await key("--show-secrets"))?.outputs).toEqual(before?.outputs);
  });

  test("goes with the stack", async () => {
    await keys.succeeded("destroy", "--yes", "--skip-preview");
    expect(await key("--show-secrets")).toBeUndefined();
  });
});
