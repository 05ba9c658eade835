import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

const preload = new URL("../../../bin/compile-cache.mjs", import.meta.url).pathname;
const folder = () => join(home, ".cache/berth/node");
const kept = async () => (await readdir(folder(), { recursive: true }).catch(() => [])).length;

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "berth-compile-"));
  await writeFile(join(home, "program.ts"), 'const said: string = "run"; console.log(said);\n');
});
afterEach(() => rm(home, { recursive: true }));

const run = async (env: NodeJS.ProcessEnv = {}) => {
  const unset = ["XDG_CACHE_HOME", "NODE_COMPILE_CACHE", "NODE_DISABLE_COMPILE_CACHE"];
  const rest = Object.fromEntries(Object.entries(process.env).filter(([name]) => !unset.includes(name)));
  const ended = await execa(process.execPath, ["--import", preload, join(home, "program.ts")], {
    ...{ env: { ...rest, HOME: home, ...env }, extendEnv: false },
  });
  return ended.stdout;
};

test("what is compiled is kept in the user's own cache, and used again", async () => {
  expect(await run()).toBe("run");
  const first = await kept();
  expect(first).toBeGreaterThan(0);
  expect([await run(), await kept()]).toEqual(["run", first]);
});

test("a cache of the user's elsewhere is used", async () => {
  expect(await run({ XDG_CACHE_HOME: join(home, "elsewhere") })).toBe("run");
  expect(await kept()).toBe(0);
  expect(await readdir(join(home, "elsewhere/berth"))).toEqual(["node"]);
});

test("the folder that the user has named for Node is used", async () => {
  expect(await run({ NODE_COMPILE_CACHE: join(home, "named") })).toBe("run");
  expect(await kept()).toBe(0);
  expect(await readdir(join(home, "named"))).not.toEqual([]);
});

test("a folder that cannot be written stops nobody", async () => {
  await mkdir(join(home, ".cache"));
  await writeFile(join(home, ".cache/berth"), "a file");
  expect(await run()).toBe("run");
});
