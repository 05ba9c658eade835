import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  privateFolder,
  removeForsakenFolders,
  removePrivateFolder,
} from "../../../deployer/private-folder.ts";

test("a private folder is its owner's alone, has a short name, and goes with what is in it", async () => {
  const folder = await privateFolder();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(folder.length).toBeLessThanOrEqual(tmpdir().length + "/berth-4194304-XXXXXX".length);
  writeFileSync(join(folder, "key"), "secret");
  await removePrivateFolder(folder);
  expect(existsSync(folder)).toBe(false);
  await removePrivateFolder(folder);
});

test("a private folder that cannot be made says where, and what to do", async () => {
  vi.stubEnv("TMPDIR", "/nowhere");
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(privateFolder()).rejects.toThrow(
    /^make a folder for keys in \/nowhere of this machine: ENOENT.* Next: make room there, or set TMPDIR/,
  );
});

test("private folders of processes that were killed go with another's first, an hour later; no others do", async () => {
  const temporary = mkdtempSync(join(tmpdir(), "berth-private-"));
  onTestFinished(() => rmSync(temporary, { recursive: true }));
  vi.stubEnv("TMPDIR", temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  const gone = spawnSync("true").pid;
  const anHourAgo = new Date(Date.now() - 3_601_000);
  const make = (name: string, at = anHourAgo) => {
    mkdirSync(join(temporary, name));
    writeFileSync(join(temporary, name, "identity"), "secret");
    utimesSync(join(temporary, name), at, at);
  };
  for (const name of [
    `berth-${gone}-aB3dEf`,
    `berth-${process.pid}-aB3dEf`,
    "berth-aB3dEf",
    `mine-${gone}-aB3dEf`,
  ])
    make(name);
  make(`berth-${gone}-recent`, new Date());
  symlinkSync(join(temporary, "berth-aB3dEf"), join(temporary, `berth-${gone}-linked`));
  await removeForsakenFolders();
  expect(readdirSync(temporary).sort()).toEqual(
    [
      `berth-${gone}-linked`,
      `berth-${gone}-recent`,
      `berth-${process.pid}-aB3dEf`,
      "berth-aB3dEf",
      `mine-${gone}-aB3dEf`,
    ].sort(),
  );
  expect(existsSync(join(temporary, "berth-aB3dEf", "identity"))).toBe(true);
});

test.each([
  ["ends", ""],
  ["exits in the middle of its work", "process.exit(3)"],
  ["breaks", "throw new Error('broken')"],
  ...["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => [
    `is ended by ${signal}`,
    `process.kill(process.pid, '${signal}'); await new Promise((end) => setTimeout(end, 60_000))`,
  ]),
])("a private folder that is left over goes when its process %s", (_, end) => {
  const temporary = mkdtempSync(join(tmpdir(), "berth-private-"));
  const module = new URL("../../../deployer/private-folder.ts", import.meta.url).href;
  const script = `
    const { privateFolder } = await import(${JSON.stringify(module)});
    console.log(await privateFolder());
    ${end}`;
  try {
    const shell = `"$0" --input-type=module -e "$1" 2>/dev/null || true`;
    const env = { ...process.env, TMPDIR: temporary };
    const folder = execFileSync("sh", ["-c", shell, process.execPath, script], {
      encoding: "utf8",
      env,
    }).trim();
    expect(folder.startsWith(`${temporary}/berth-`)).toBe(true);
    expect(existsSync(folder)).toBe(false);
  } finally {
    rmSync(temporary, { recursive: true });
  }
});
