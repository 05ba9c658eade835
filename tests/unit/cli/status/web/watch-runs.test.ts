import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunWatch, reportFile } from "../../../../../cli/status/web/watch-runs.ts";
import { RunRecord } from "../../../../../deployer/runs/record.ts";

let root: string;
let folder: string;
let watch: RunWatch;
let changes = 0;
let ended: string[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "berth-runs-"));
  folder = join(root, "prod");
  changes = 0;
  ended = [];
  watch = new RunWatch(folder, (hosts) => {
    changes++;
    ended.push(...hosts);
  });
});
afterEach(async () => {
  watch.stop();
  await rm(root, { recursive: true, force: true });
});

const name = (second: number, who: string | number = "x") => `2026-11-22T12000${second}Z-${who}`;
const record = (name: string) => new RunRecord(join(folder, `${name}.jsonl`));
const shown = () =>
  watch.runs.map(({ name, events, running, report }) => [name, events.length, running, report]);

test("records that come later, and lines that are added, are seen as they come", async () => {
  await watch.start();
  expect(watch.runs).toEqual([]);
  const own = name(1, process.pid);
  record(own).add({ event: "begin", host: "web1", wanted: "/nix/store/x" });
  await expect.poll(shown).toEqual([[own, 1, true, false]]);
  expect(watch.grewAt).toBeUndefined();
  record(own).add({ event: "step", host: "web1", step: "building" });
  await expect.poll(shown).toEqual([[own, 2, true, false]]);
  expect(watch.grewAt).toBeTypeOf("number");
  record(own).add({ event: "end", host: "web1", outcome: "switched" });
  await expect.poll(() => ended).toEqual(["web1"]);
  await writeFile(join(folder, `${own}.html`), "report");
  await expect.poll(shown).toEqual([[own, 3, true, true]]);
});

test("the newest is first, only that one may run, and nothing is told where nothing has changed", async () => {
  for (const second of [2, 1, 3]) record(name(second, process.pid)).add({ event: "trial", host: "web1" });
  await writeFile(join(folder, "notes.jsonl"), "{}\n");
  await watch.look();
  expect(shown()).toEqual([
    [name(3, process.pid), 1, true, false],
    [name(2, process.pid), 1, false, false],
    [name(1, process.pid), 1, false, false],
  ]);
  expect(changes).toBe(1);
  await watch.look();
  expect(changes).toBe(1);
});

test("only so many are shown", async () => {
  for (let second = 0; second < 10; second++)
    for (const who of ["a", "b"]) record(name(second, who)).add({ event: "trial", host: "web1" });
  await watch.look();
  expect(shown()).toHaveLength(10);
  expect(shown()[9]?.[0]).toBe(name(5, "a"));
});

test("a report is a file of the folder, by its record's name", async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(root, "outside.html"), "outside");
  await writeFile(join(folder, `${name(1)}.html`), "report");
  await symlink(join(root, "outside.html"), join(folder, `${name(2)}.html`));
  expect(await reportFile(folder, name(1))).toBe(join(folder, `${name(1)}.html`));
  for (const other of [name(2), name(3), "../outside", `x/../${name(1)}`, "", `${name(1)}\0`])
    expect(await reportFile(folder, other), other).toBeUndefined();
});
