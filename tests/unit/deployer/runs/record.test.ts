import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunRecord, readRecord, recordFile } from "../../../../deployer/runs/record.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-record-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a record is in the project, by stack, and tells the order of its updates by its name", () => {
  const [early, late] = ["2026-01-02T03:04:05.678Z", "2026-01-02T03:04:06Z"].map((at) =>
    recordFile("prod", new Date(at), 77),
  );
  expect(early).toBe(".berth/runs/prod/2026-01-02T030405Z-77.jsonl");
  expect((early ?? "") < (late ?? "")).toBe(true);
});

test("what several processes add is read back in its order, with the time; a line that was cut off is left out", async () => {
  const file = join(folder, "prod/run.jsonl");
  new RunRecord(file).add({ event: "begin", host: "web1", wanted: "/nix/store/x" });
  new RunRecord(file).add({ event: "trial", host: "web1" });
  appendFileSync(file, '{"event":"trial","at":');
  const events = await readRecord(file);
  expect(events).toMatchObject([{ event: "begin" }, { event: "trial", host: "web1" }]);
  expect(Math.abs(Date.parse(events[0]?.at ?? "") - Date.now())).toBeLessThan(10_000);
});

test("a record that cannot be written is told of once, and stops nothing", () => {
  writeFileSync(join(folder, "file"), "");
  const told: string[] = [];
  const record = new RunRecord(join(folder, "file/run.jsonl"), (line) => told.push(line));
  record.add({ event: "trial", host: "web1" });
  record.add({ event: "verdict", host: "web1" });
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("not recorded");
});

test("where there is no record there is nothing to read", async () => {
  expect(await readRecord(join(folder, "none"))).toEqual([]);
});
