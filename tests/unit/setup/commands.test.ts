import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkout } from "../../../lab/setup/places.mjs";

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "berth-unit-"));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

/** Run a command of package.json as on another machine, with nothing set up but the npm packages. */
async function on(facts: object, script: string, args: string[] = []) {
  const env = {
    BERTH_SETUP_FACTS: JSON.stringify(facts),
    XDG_CACHE_HOME: cache,
    BERTH_LAB: join(cache, "lab"),
  };
  const result = await execa(process.execPath, [join(checkout, "lab/setup", script), ...args], {
    env,
    reject: false,
  });
  return { code: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

test.each([
  ["macOS", { platform: "darwin" }, /Debian or Ubuntu on x86_64; this is macOS$/],
  ["Fedora", { osIds: ["fedora"], os: "Fedora Linux 41" }, /this is Fedora Linux 41$/],
  ["a machine without root", { root: "none" }, /needs root/],
  ["a full disk", { freeMB: 10 }, /free disk space .*; 10 MB are free$/],
  ["Node 18", { node: "18.0.0" }, /needs Node 20/],
])("on %s npm start says in one line what it needs, and makes nothing", async (_, facts, line) => {
  const { code, stderr } = await on(facts, "start.mjs");
  expect(code).toBe(1);
  expect(stderr.split("\n")).toHaveLength(1);
  expect(stderr).toMatch(line);
});

test("on macOS npm test says which layers it skips and why, and ends with the sum", async () => {
  const { code, stdout } = await on({ platform: "darwin" }, "test.mjs", ["lab", "e2e"]);
  const lines = stdout.split("\n");
  expect(lines.filter((line) => /^layer (lab|e2e) .* is skipped: .*this is macOS$/.test(line))).toHaveLength(
    2,
  );
  expect(lines.at(-1)).toBe("0 passed, 0 failed, 2 skipped");
  expect(code).toBe(0);
});

test("a filter that matches no test at all is a failure", async () => {
  const { code, stdout } = await on({}, "test.mjs", ["unit", "no-such-file-anywhere"]);
  expect(stdout).toContain("No test matched.");
  expect(code).toBe(1);
});
