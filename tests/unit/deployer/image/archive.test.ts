import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { readArchive } from "../../../../deployer/image/archive.ts";
import { type Entry, imageEntries, streamOf, tarOf } from "./archives.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-image-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
});
const files: Entry[][] = [[["bin/app", "#!/bin/sh\n"]], [["etc/passwd", "root:x:0:0\n"]]];
const read = async (entries: readonly Entry[], piece?: number) =>
  readArchive(streamOf(await tarOf(entries), piece), folder);

test.each([1, 511, 512, 100_000])(
  "an archive that comes in pieces of %i bytes is read and checked",
  async (piece) => {
    const { entries, id, diffIds } = await imageEntries(files);
    const image = await read(entries, piece);
    expect(image).toMatchObject({ id, architecture: "amd64", os: "linux" });
    expect(image.layers.map(({ diffId }) => diffId)).toEqual(diffIds);
    for (const { file, size } of image.layers) expect(statSync(file)).toMatchObject({ size });
    expect(readFileSync(image.layers[0]?.file ?? "").includes("bin/app")).toBe(true);
  },
);

test("one that is gzipped is the same image", async () => {
  const { entries, id } = await imageEntries(files);
  const image = await readArchive(streamOf(gzipSync(await tarOf(entries))), folder);
  expect(image.id).toBe(id);
});

test("names may begin with ./, and a layer may be another's by a link", async () => {
  const { entries, id } = await imageEntries([files[0] ?? [], files[0] ?? []]);
  const [first, , config, list] = entries as [Entry, Entry, Entry, Entry];
  const linked = String(list[1]).replaceAll(/"([0-9a-f]{64})\/layer.tar"\]/g, '"twice/layer.tar"]');
  const image = await read([
    [`./${first[0]}`, first[1]],
    ["twice/layer.tar", { to: `../${first[0]}` }],
    config,
    ["./manifest.json", linked],
  ]);
  expect(image.id).toBe(id);
  expect(image.layers[0]?.file).toBe(image.layers[1]?.file);
});

test("nothing is written outside of the folder, whatever a file of it is called", async () => {
  const { entries, id } = await imageEntries(files);
  const image = await read([["../../../../tmp/berth-escaped", "x"], ["/etc/berth-escaped", "x"], ...entries]);
  expect(image.id).toBe(id);
  expect(readdirSync(folder).every((name) => /^\d+$/.test(name))).toBe(true);
  expect(() => statSync("/etc/berth-escaped")).toThrow();
});

test.each<[string, (entries: Entry[]) => Entry[], string]>([
  [
    "without its list",
    (entries) => entries.filter(([name]) => name !== "manifest.json"),
    "it has no manifest.json",
  ],
  ["without a layer", (entries) => entries.slice(1), "/layer.tar"],
  [
    "with a list that is none",
    (entries) => [...entries.slice(0, -1), ["manifest.json", "{"]],
    "Invalid input",
  ],
  [
    "with two images",
    (entries) => [...entries.slice(0, -1), ["manifest.json", twice(entries)]],
    "more than one image",
  ],
  [
    "whose layer was changed",
    ([first, ...rest]) => [[first?.[0] ?? "", "other"], ...rest],
    "its configuration says sha256:",
  ],
  [
    "whose link leads nowhere",
    ([first, ...rest]) => [[first?.[0] ?? "", { to: "../gone" }], ...rest],
    "it has no",
  ],
])("one %s is refused with what is wrong", async (_, change, why) => {
  const { entries } = await imageEntries(files);
  await expect(read(change(entries))).rejects.toThrow(why);
});
const twice = (entries: readonly Entry[]): string => {
  const list = JSON.parse(String(entries.at(-1)?.[1])) as unknown[];
  return JSON.stringify([...list, ...list]);
};

test.each<[string, (bytes: Buffer) => Buffer, string]>([
  ["is empty", () => Buffer.alloc(0), "it is empty"],
  ["is no tar", () => Buffer.from("no tar at all ".repeat(200)), "read the image's archive"],
  ["ends in its middle", (bytes) => bytes.subarray(0, 1800), "read the image's archive"],
  ["ends in the middle of its gzip", (bytes) => gzipSync(bytes).subarray(0, 300), "read the image's archive"],
])("what %s is refused, and says so", async (_, change, why) => {
  const { entries } = await imageEntries(files);
  await expect(readArchive(streamOf(change(await tarOf(entries))), folder)).rejects.toThrow(why);
});
