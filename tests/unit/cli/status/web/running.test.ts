import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { isKept } from "../../../../../cli/status/web/running.ts";

const now = () => new Date().toISOString();

test("a record of a process that runs is kept, also where that is another than this one", async () => {
  expect(await isKept(`2026-11-22T120000Z-${process.pid}`, now())).toBe(true);
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const name = `2026-11-22T120000Z-${child.pid}`;
  expect(await isKept(name, now())).toBe(true);
  child.kill("SIGKILL");
  await once(child, "close");
  expect(await isKept(name, now())).toBe(false);
});

test("a process that was started later has only got the same id", async ({ skip }) => {
  skip(!existsSync("/proc/self/stat"), "there is no /proc, which tells when a process was started");
  const before = new Date(performance.timeOrigin - 60_000).toISOString();
  expect(await isKept(`2026-11-22T120000Z-${process.pid}`, before)).toBe(false);
});

test.each(["2026-11-22T120000Z-by-hand", "2026-11-22T120000Z-0", ""])("%j names no process", async (name) => {
  expect(await isKept(name, now())).toBe(false);
});
