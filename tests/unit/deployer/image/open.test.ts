import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { withImage } from "../../../../deployer/image/open.ts";
import { imageEntries, tarOf } from "./archives.ts";

let folder: string;
let archive: Buffer;
let id: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-open-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const image = await imageEntries([[["bin/app", "x".repeat(5000)]]]);
  archive = await tarOf(image.entries);
  id = image.id;
});
async function file(name: string, content: string | Uint8Array, mode = 0o444): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}
/** What streamLayeredImage makes: a program that writes the archive. */
async function program(body: string): Promise<string> {
  await file("archive", archive);
  return await file("stream", `#!/bin/sh\n${body}\n`, 0o555);
}

test("an archive, gzipped or not, and a program that writes one are the same image", async () => {
  const paths = [
    await file("image.tar", archive),
    await file("image.tar.gz", gzipSync(archive)),
    await program(`echo 'Creating layer 1' >&2; cat ${folder}/archive`),
  ];
  for (const path of paths) expect(await withImage(path, async (image) => image.id)).toBe(id);
});

test("nothing of it is left, whatever came of it", async () => {
  const path = await file("image.tar", archive);
  let unpacked = "";
  const failing = withImage(path, async (image) => {
    unpacked = dirname(image.layers[0]?.file ?? "");
    expect(existsSync(unpacked)).toBe(true);
    throw new Error("the push failed");
  });
  await expect(failing).rejects.toThrow("the push failed");
  expect(existsSync(unpacked)).toBe(false);
});

test("a program that fails is told by what it said, and not by the archive that it left unfinished", async () => {
  const path = await program(`head -c 700 ${folder}/archive; echo 'no space left' >&2; exit 3`);
  await expect(withImage(path, async () => undefined)).rejects.toThrow(
    `${path}: it ended with 3: no space left.`,
  );
});

test("a program that writes something else is refused for that", async () => {
  await expect(withImage(await program("echo hello"), async () => undefined)).rejects.toThrow(
    "read the image's archive",
  );
});

test("one that hangs is ended in time, and at once for whoever cancels", async () => {
  const path = await program(`head -c 700 ${folder}/archive; sleep 60`);
  await expect(withImage(path, async () => undefined, { deadline: 300 })).rejects.toThrow(
    "not there after 0.3 s",
  );
  const cancelled = withImage(path, async () => undefined, {
    signal: AbortSignal.abort(new Error("cancelled")),
  });
  await expect(cancelled).rejects.toThrow("cancelled");
});

test.each(["gone", "."])("what is no file (%s) is refused with what to name", async (name) => {
  await expect(withImage(join(folder, name), async () => undefined)).rejects.toThrow(
    "name a package of the flake",
  );
});
