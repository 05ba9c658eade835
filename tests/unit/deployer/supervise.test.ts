import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";

const supervised = new URL("./supervised.ts", import.meta.url).pathname;

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** A program whose work is supervised: `how` says how the work goes. */
function start(how: string) {
  const child = spawn(process.execPath, [supervised, how], { stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const exit = once(child, "exit").then(([code]) => code as number | null);
  return { child, lines, exit };
}

/** Does a process run, rather than just wait to be collected by its parent? */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Process ids that the work has told, once it has: its own, and that of a grandchild that ignores every signal it can. */
async function familyOf(lines: string[]): Promise<number[]> {
  await expect.poll(() => lines.length, { timeout: 8_000 }).toBe(3);
  expect(existsSync(String(lines[2]))).toBe(true);
  const ids = lines.slice(0, 2).map(Number);
  for (const pid of ids) expect(runs(pid)).toBe(true);
  return ids;
}

/** Wait until nothing of the work is left: no process, and not the folder of its temporary files. */
const allGone = (lines: string[]) =>
  expect
    .poll(
      () => [...lines.slice(0, 2).filter((pid) => runs(Number(pid))), existsSync(dirname(String(lines[2])))],
      { timeout: 5_000, interval: 20 },
    )
    .toEqual([false]);

describe.runIf(process.platform === "linux")("supervised work", () => {
  test.each(["0", "1", "64"])("that ends with %s gives its exit code", async (code) => {
    const { exit } = start(code);
    expect(await exit).toBe(Number(code));
  });

  test("reads the stdin it was given", async () => {
    const { child, lines, exit } = start("echo");
    child.stdin?.end("a document\n");
    expect(await exit).toBe(0);
    expect(lines).toEqual(["a document"]);
  });

  test("that throws has failed", async () => {
    const child = spawn(process.execPath, [supervised, "throw"], { stdio: "ignore" });
    expect((await once(child, "exit"))[0]).toBe(1);
  });

  test("ends even when it has forgotten a timer", async () => {
    const { exit } = start("forget");
    expect(await exit).toBe(7);
  });

  test("ends with all it has started when its parent is killed without warning", async () => {
    const { child, lines } = start("wait");
    await familyOf(lines);
    child.kill("SIGKILL");
    await allGone(lines);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "ends with all it has started on %s",
    async (signal) => {
      const { child, lines, exit } = start("wait");
      await familyOf(lines);
      child.kill(signal);
      expect(await exit).toBe(130);
      await allGone(lines);
    },
  );

  test("leaves nothing running behind it when it ends by itself", async () => {
    const { lines, exit } = start("leave");
    expect(await exit).toBe(5);
    expect(lines).toHaveLength(3);
    await allGone(lines);
  });

  test("that is killed itself has failed, and what it started is gone", async () => {
    const { lines, exit } = start("wait");
    const ids = await familyOf(lines);
    process.kill(Number(ids[0]), "SIGKILL");
    expect(await exit).toBe(130);
    await allGone(lines);
  });
});
