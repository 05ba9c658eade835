import { chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimFolder, readMark } from "../../../lab/folder.ts";
import { reset } from "../../../lab/lab.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "berth-unit-"));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

test("a new folder becomes a lab, and claiming it again changes nothing", async () => {
  const folder = join(parent, "deep/lab");
  const mark = await readMark(await claimFolder(folder));
  expect(mark).toContain("madeAt");
  expect(await readMark(await claimFolder(folder))).toBe(mark);
});

test("a lab reached by a symbolic link is the same lab", async () => {
  await mkdir(join(parent, "real"));
  await symlink("real", join(parent, "link"));
  expect((await claimFolder(join(parent, "link"))).folder).toBe(
    (await claimFolder(join(parent, "real"))).folder,
  );
});

test("a folder with something else in it is not taken, and never removed", async () => {
  await writeFile(join(parent, "thesis.tex"), "");
  await expect(claimFolder(parent)).rejects.toThrow(/holds thesis\.tex and is no lab/);
  await expect(reset({ folder: parent })).rejects.toThrow(/is no lab/);
  expect(await readdir(parent)).toEqual(["thesis.tex"]);
});

test("a lab that never started is removed without root", async () => {
  const folder = join(parent, "lab");
  await claimFolder(folder);
  expect(await reset({ folder })).toBe(true);
  expect(await readdir(parent)).toEqual([]);
  expect(await reset({ folder })).toBe(false);
});

test("a folder of another user's is left alone", async () => {
  const asRoot = process.getuid?.() === 0;
  const foreign = asRoot ? (await claimFolder(join(parent, "lab"))).folder : "/usr/share";
  if (asRoot) await chown(foreign, 12345, 12345);
  const owner = asRoot ? /belongs to user 12345/ : /belongs to root/;
  await expect(claimFolder(foreign)).rejects.toThrow(owner);
  await expect(reset({ folder: foreign })).rejects.toThrow(owner);
});
