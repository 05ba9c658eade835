import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { must, run } from "../../../lab/setup/child.mjs";
import { probe } from "../../../lab/setup/probe.mjs";
import { isStowed, stow } from "../../../lab/setup/stow.mjs";
import { inTurn, lifeOf } from "../../../lab/setup/turn.mjs";

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "berth-unit-"));
});
afterEach(() => rm(cache, { recursive: true, force: true }));

test("a folder is there only when all of it was made", async () => {
  const folder = join(cache, "tool");
  const broken = stow(folder, async (temporary) => {
    await writeFile(join(temporary, "half"), "");
    throw new Error("cut off");
  });
  await expect(broken).rejects.toThrow("cut off");
  expect(await readdir(cache)).toEqual([]);
  await stow(folder, (temporary) => writeFile(join(temporary, "whole"), ""));
  expect(await isStowed(folder)).toBe(true);
  expect(existsSync(join(folder, "whole"))).toBe(true);
});

test("a folder that was moved counts as missing, since paths in it may be absolute", async () => {
  const folder = join(cache, "tool");
  await stow(folder, async () => {});
  await rename(folder, join(cache, "moved"));
  expect(await isStowed(join(cache, "moved"))).toBe(false);
});

test("what a dead process left half made is removed before the next work, what a living one makes is not", async () => {
  const dead = spawn("true");
  await new Promise((resolve) => dead.once("close", resolve));
  await writeFile(join(cache, `a.making-${dead.pid}`), "");
  await writeFile(join(cache, `b.making-${process.pid}`), "");
  await inTurn(
    cache,
    "a",
    () => {},
    async () => {},
  );
  expect(await readdir(cache)).toEqual([`b.making-${process.pid}`]);
});

test("two works of one name never overlap", async () => {
  const events: string[] = [];
  const work = (name: string) => async () => {
    events.push(`${name} begins`);
    await sleep(50);
    events.push(`${name} ends`);
  };
  const holder = `import("${new URL("../../../lab/setup/turn.mjs", import.meta.url)}").then(({ inTurn }) =>
    inTurn("${cache}", "x", () => {}, () => { console.log("mine"); return new Promise((done) => setTimeout(done, 300)); }))`;
  const other = spawn(process.execPath, ["-e", holder], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => other.once("close", resolve));
  await new Promise((resolve) => other.stdout.once("data", resolve));
  void ended.then(() => events.push("other ends"));
  const told: string[] = [];
  await inTurn(cache, "x", (line) => void told.push(line), work("this"));
  expect(events).toEqual(["other ends", "this begins", "this ends"]);
  expect(told).toEqual([`x: process ${other.pid} is making it already; waiting for it`]);
});

test("the turn of a process that died is taken over", async () => {
  const dead = spawn("true");
  await new Promise((resolve) => dead.once("close", resolve));
  await writeFile(join(cache, ".x.lock"), `${dead.pid} 1`);
  expect(
    await inTurn(
      cache,
      "x",
      () => {},
      async () => "done",
    ),
  ).toBe("done");
});

test("a lock whose process id went to another process is taken over", async () => {
  await writeFile(join(cache, ".x.lock"), `${process.ppid} 1`);
  expect(
    await inTurn(
      cache,
      "x",
      () => {},
      async () => "done",
    ),
  ).toBe("done");
});

test("an answer is asked for once for as long as the files it depends on stay the same", async () => {
  const file = join(cache, "depends");
  const count = join(cache, "count");
  const ask = () => probe(join(cache, "memo"), ["sh", "-c", `echo x >> ${count}; wc -l < ${count}`], [file]);
  await writeFile(file, "1");
  expect([await ask(), await ask()]).toEqual(["1", "1"]);
  await writeFile(file, "22");
  expect(await ask()).toBe("2");
});

test("a program that fails is told with its last lines, one that hangs is killed with its children", async () => {
  await expect(must("trying", ["sh", "-c", "echo first; echo why >&2; exit 3"])).rejects.toThrow(
    /trying failed: sh -c .*exit code 3\n.*first\n.*why/s,
  );
  const hung = await run(["sh", "-c", "sleep 60 & echo $!; wait"], { deadline: 300 });
  expect(hung.timedOut).toBe(true);
  expect(lifeOf(Number(hung.output.trim()))).toBeUndefined();
});

test("a program that is not there is an exit code, not a crash", async () => {
  expect(await run(["/nowhere/to/be/found"])).toMatchObject({ code: 127 });
});
