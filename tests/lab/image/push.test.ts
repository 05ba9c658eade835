import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Image, readArchive } from "../../../deployer/image/archive.ts";
import { PackedLayers } from "../../../deployer/image/pack.ts";
import { lacking, push } from "../../../deployer/image/push.ts";
import { Repository } from "../../../deployer/image/registry.ts";
import { type Entry, imageEntries, streamOf, tarOf } from "../../unit/deployer/image/archives.ts";
import { login, startRegistry, type TestRegistry } from "./registry.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry?.stop());

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-push-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
const layer = (name: string, text: string): Entry[] => [[`${name}/file`, text.repeat(1000)]];
const base = [layer("base", "one"), layer("runtime", "two")];
async function imageOf(...app: Entry[][]): Promise<Image> {
  const { entries } = await imageEntries([...base, ...app]);
  return await readArchive(streamOf(await tarOf(entries)), await temporary());
}
const repository = (name: string, credentials = login) =>
  new Repository({ registry: registry.host, repository: name }, { login: credentials, retries: 0 });
/** What was sent since then: uploads that ended, and manifests. */
async function sentSince(before: number): Promise<string[]> {
  return (await registry.asked())
    .slice(before)
    .filter((line) => line.startsWith("PUT ") && line.endsWith(" 201"));
}

test("an image is sent whole at first, not at all when it is there, and in part when a part is new", async () => {
  const shop = repository("shop");
  const packed = new PackedLayers(await temporary());
  const first = await imageOf(layer("app", "v1"));
  expect(await lacking(first, shop, packed)).toMatchObject({ nothing: false, layers: 3 });
  const one = await push(first, shop, { packed });
  expect(one).toMatchObject({ layers: 3, tag: `id-${first.id.slice(7, 19)}` });

  let before = (await registry.asked()).length;
  expect(await lacking(first, shop, packed)).toEqual({ nothing: true, layers: 0, bytes: 0 });
  expect(await push(first, shop, { packed })).toEqual({ ...one, layers: 0, bytes: 0 });
  expect(await sentSince(before)).toEqual([]);

  const second = await imageOf(layer("app", "v2"));
  const changed = second.layers.at(-1);
  before = (await registry.asked()).length;
  expect(await lacking(second, shop, packed)).toEqual({ nothing: false, layers: 1, bytes: changed?.size });
  const two = await push(second, shop, { packed });
  expect(two).toMatchObject({ layers: 1 });
  expect(two.digest).not.toBe(one.digest);
  // A layer, the configuration, the manifest.
  expect(await sentSince(before)).toHaveLength(3);
});

test("with nothing remembered of earlier pushes a layer that is there is not sent again", async () => {
  const shop = repository("forgetful");
  await push(await imageOf(layer("app", "v1")), shop, { packed: new PackedLayers(await temporary()) });
  const again = await push(await imageOf(layer("app", "v2")), shop, {
    packed: new PackedLayers(await temporary()),
  });
  expect(again.layers).toBe(1);
});

test("what is there afterwards is the image: manifest, configuration and layers, byte by byte", async () => {
  const shop = repository("whole");
  const image = await imageOf(layer("app", "ünï"));
  const { digest, tag } = await push(image, shop, { packed: new PackedLayers(await temporary()) });
  const get = async (path: string, accept = "*/*") => {
    const authorization = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    const answer = await fetch(`http://${registry.host}/v2/whole/${path}`, {
      headers: { authorization, accept },
    });
    expect(answer.status).toBe(200);
    return Buffer.from(await answer.arrayBuffer());
  };
  const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const manifest = await get(`manifests/${tag}`, "application/vnd.docker.distribution.manifest.v2+json");
  expect(digestOf(manifest)).toBe(digest);
  const { config, layers } = JSON.parse(manifest.toString()) as {
    config: { digest: string };
    layers: { digest: string; size: number }[];
  };
  expect(config.digest).toBe(image.id);
  expect(digestOf(await get(`blobs/${config.digest}`))).toBe(image.id);
  for (const [index, { digest: blob, size }] of layers.entries()) {
    const bytes = await get(`blobs/${blob}`);
    expect(bytes.length).toBe(size);
    expect(digestOf(gunzipSync(bytes))).toBe(image.layers[index]?.diffId);
  }
});

test("a tag that was moved to another image is not believed", async () => {
  const shop = repository("moved");
  const packed = new PackedLayers(await temporary());
  const [mine, other] = [await imageOf(layer("app", "mine")), await imageOf(layer("app", "other"))];
  const { tag } = await push(mine, shop, { packed });
  const foreign = await push(other, shop, { packed });
  const text = (await shop.manifest(foreign.digest))?.text ?? "";
  await shop.putManifest(tag, text, "application/vnd.docker.distribution.manifest.v2+json");
  expect(await lacking(mine, shop, packed)).toMatchObject({ nothing: false });
  await push(mine, shop, { packed });
  expect(await lacking(mine, shop, packed)).toMatchObject({ nothing: true });
});

test.each([
  ["another password", { ...login, password: "wrong" }],
  ["nobody's name", undefined],
])("who comes with %s is refused, with the way out and without the password", async (_, credentials) => {
  const shop = new Repository(
    { registry: registry.host, repository: "shop" },
    { ...(credentials && { login: credentials }), retries: 0 },
  );
  const refused = push(await imageOf(), shop, { packed: new PackedLayers(await temporary()) });
  await expect(refused).rejects.toThrow(/it answered 401.*check the registry's user and password/s);
  await expect(refused).rejects.not.toThrow(credentials?.password ?? login.password);
});

test("a registry that is not there is said to be so, with the cause", async () => {
  const gone = await startRegistry();
  await gone.stop();
  const shop = new Repository({ registry: gone.host, repository: "shop" }, { login, retries: 1 });
  await expect(shop.hasBlob(`sha256:${"0".repeat(64)}`)).rejects.toThrow(/ECONNREFUSED/);
});
