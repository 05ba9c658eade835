import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Report } from "../../../lab/setup/report.mjs";
import { makeStep } from "../../../lab/setup/setup.mjs";
import { clientVersion, pythonClientFolder } from "../../../lab/setup/steps/python-client.mjs";
import { type Step, stepsFor } from "../../../lab/setup/steps.mjs";
import { Trouble } from "../../../lab/setup/trouble.mjs";

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "berth-unit-"));
});
afterEach(() => rm(cache, { recursive: true, force: true }));

const names = (wanted: { tests: boolean }) =>
  stepsFor(new Set(["lab"]), wanted)
    .flat()
    .map((step) => step.name);

test("the Python client is fetched for tests of the lab alone", () => {
  expect(names({ tests: true })).toContain("python-client");
  expect(names({ tests: false })).not.toContain("python-client");
});

test("the client and all it uses are pinned to one version each", async () => {
  const file = new URL("../../../lab/setup/python-client.txt", import.meta.url);
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line && !line.startsWith("#"));
  expect(lines.filter((line) => !/^[a-z0-9-]+==\d+(\.\d+)+$/.test(line))).toEqual([]);
  expect(lines.length).toBeGreaterThan(5);
});

test("another version of the client is kept in another folder", () => {
  expect(clientVersion("# why\nhcloud==9.8.7\nidna==3.0\n")).toBe("9.8.7");
  expect(() => clientVersion("idna==3.0\n")).toThrow(/names no version of hcloud/);
  expect(pythonClientFolder("/cache")).toBe(`/cache/python-client-${clientVersion()}`);
});

/** A step that is never there and fails as its network does. */
const failing = (error: Error, optional: boolean): Step => ({
  ...{ name: "tool", title: "A tool", why: "for the test", diskMB: 1, optional },
  check: async () => undefined,
  make: () => Promise.reject(error),
});

test("set-up goes without an optional step that cannot be made, and says why", async () => {
  const said: string[] = [];
  const report = new Report((line) => void said.push(line));
  const unreachable = new Trouble("no route to host");
  expect(await makeStep(failing(unreachable, true), cache, undefined, report)).toEqual({ path: [], env: {} });
  expect(said.at(-1)).toBe("set-up: A tool: going without: no route to host");
  expect(await readdir(cache)).toEqual([]);
});

test("set-up fails with any other step, and with a mistake in an optional one", async () => {
  const trouble = new Trouble("no route to host");
  const mistake = new TypeError("undefined is not a function");
  const quiet = new Report(() => {});
  await expect(makeStep(failing(trouble, false), cache, undefined, quiet)).rejects.toBe(trouble);
  await expect(makeStep(failing(mistake, true), cache, undefined, quiet)).rejects.toBe(mistake);
});
