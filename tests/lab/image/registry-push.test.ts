import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { registryPush } from "../../../provider/resources/registry-push.ts";
import { imageEntries, tarOf } from "../../unit/deployer/image/archives.ts";
import { EngineDouble, Refused, secret, UNKNOWN, type Wire } from "../../unit/provider/client.ts";
import { login, startRegistry, type TestRegistry } from "./registry.ts";

const TYPE = "berth:image:RegistryPush";
let registry: TestRegistry;
let folder: string;
beforeAll(async () => {
  registry = await startRegistry();
  folder = mkdtempSync(join(tmpdir(), "berth-pushing-"));
});
afterAll(async () => {
  await registry?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = () => {
  const resources = { [TYPE]: registryPush(join(folder, "kept")) };
  return EngineDouble.start({ name: "berth", version: "0.1.0", resources }, TYPE);
};
const lines = ({ log }: EngineDouble) => log.filter((one) => !one.ephemeral).map((one) => one.message);

async function inputsFor(text: string, repository: string, password = login.password): Promise<Wire> {
  const { entries, id } = await imageEntries([[["base", "the same"]], [["app", text]]]);
  const path = join(folder, `${text}.tar`);
  writeFileSync(path, await tarOf(entries));
  onTestFinished(() => rmSync(path, { force: true }));
  return {
    image: { id, path },
    repository: `${registry.host}/${repository}`,
    user: login.username,
    password: secret(password),
  };
}

test("an image is sent once: unchanged it is no change, and another one sends what is new", async () => {
  await using engine = await start();
  const one = await inputsFor("one", "me/site");
  const foreseen = await engine.create("site-push", one, { preview: true });
  expect(foreseen.outputs).toMatchObject({
    digest: UNKNOWN,
    tag: expect.stringMatching(/^id-[0-9a-f]{12}$/),
  });
  expect(lines(engine).at(-1)).toMatch(/2 layers to send, 0\.0 MB at most/);
  const made = await engine.create("site-push", one);
  const state = { ...made, inputs: one };
  expect(made.outputs["reference"]).toBe(`${registry.host}/me/site@${String(made.outputs["digest"])}`);
  expect(await engine.diff("site-push", state, one)).toMatchObject({ changes: false });

  const two = await inputsFor("two", "me/site");
  expect(await engine.diff("site-push", state, two)).toMatchObject({ detailed: { image: "update" } });
  await engine.update("site-push", state, two, { preview: true });
  expect(lines(engine).some((line) => line.includes("1 layers to send"))).toBe(true);
  const before = (await registry.asked()).length;
  const updated = await engine.update("site-push", state, two);
  expect(updated["digest"]).not.toBe(made.outputs["digest"]);
  const sent = (await registry.asked()).slice(before).filter((line) => /^PUT .*blobs.* 201$/.test(line));
  // The layer and the configuration.
  expect(sent).toHaveLength(2);
});

test("the password is a secret in all that the engine keeps, and in no line of the log", async () => {
  await using engine = await start();
  const inputs = await inputsFor("kept", "me/secret");
  const made = await engine.create("site-push", inputs);
  expect(made.outputs["password"]).toEqual(secret(login.password));
  expect(JSON.stringify(engine.log)).not.toContain(login.password);
});

test("who may not push is told so, with what to look at and without the password", async () => {
  await using engine = await start();
  const inputs = await inputsFor("refused", "me/refused", "wrong-password");
  const error = await engine.create("site-push", inputs).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refused);
  expect(String(error)).toMatch(/401.*check the registry's user and password/s);
  expect(String(error)).not.toContain("wrong-password");
});

test("a refresh sees that the registry has lost it, and the next update sends it again", async () => {
  await using engine = await start();
  const inputs = await inputsFor("lost", "me/lost");
  const made = await engine.create("site-push", inputs);
  const state = { inputs, outputs: made.outputs };
  expect((await engine.read("site-push", made.id, state)).outputs["digest"]).toBe(made.outputs["digest"]);
  const authorization = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  const gone = await fetch(`http://${registry.host}/v2/me/lost/manifests/${String(made.outputs["digest"])}`, {
    method: "DELETE",
    headers: { authorization },
  });
  expect(gone.status).toBe(202);
  const seen = await engine.read("site-push", made.id, state);
  expect(lines(engine).at(-1)).toContain("is gone; the next pulumi up sends it again");
  const old = { id: made.id, inputs, outputs: seen.outputs };
  expect(await engine.diff("site-push", old, inputs)).toMatchObject({ detailed: { digest: "update" } });
  expect((await engine.update("site-push", old, inputs))["digest"]).toBe(made.outputs["digest"]);
});

test("a registry that does not answer keeps the state, with a warning; deleting leaves the image", async () => {
  await using engine = await start();
  const inputs = await inputsFor("stays", "me/stays");
  const made = await engine.create("site-push", inputs);
  await engine.delete("site-push", made.id, { inputs, outputs: made.outputs });
  expect(lines(engine).at(-1)).toMatch(/stays in the registry/);
  const again = await engine.create("site-push", inputs);
  expect(lines(engine).at(-1)).toMatch(/was there; nothing was sent/);
  expect(again.outputs["digest"]).toBe(made.outputs["digest"]);
});

test("an image that is not the one that was meant is not sent", async () => {
  await using engine = await start();
  const inputs = await inputsFor("changed", "me/changed");
  const other = { ...inputs, image: { ...(inputs["image"] as Wire), id: `sha256:${"0".repeat(64)}` } };
  await expect(engine.create("site-push", other)).rejects.toThrow(/it changed during the update/);
});
