import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recordFile } from "../../../../deployer/runs/record.ts";
import { oneHost, tenHosts } from "./samples.ts";

const command = new URL("../../../../bin/berth", import.meta.url).pathname;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-report-"));
  await writeFile(join(folder, "Pulumi.yaml"), "name: site\n");
  await writeFile(join(folder, "Pulumi.prod.yaml"), "config: {}\n");
});
afterEach(() => rm(folder, { recursive: true }));

async function record(second: number, events: readonly object[]): Promise<string> {
  const file = join(folder, recordFile("prod", new Date(Date.UTC(2026, 0, 1, 0, 0, second)), 7));
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  return file;
}
const report = (...args: string[]) =>
  execa(command, ["-s", "prod", "report", ...args], { cwd: folder, reject: false });

test("the latest update's report is made anew, beside its record, for its owner alone", async () => {
  await record(1, tenHosts);
  const file = await record(2, oneHost);
  const { stdout, exitCode, stderr } = await report();
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(file.replace(/jsonl$/, "html"));
  expect(await readFile(stdout, "utf8")).toContain("all hosts run what is wanted: 1");
  expect((await stat(stdout)).mode & 0o777).toBe(0o600);
});

test("of a record that is named it is that one's, and the code says whether all hosts ran what was wanted", async () => {
  const file = await record(1, tenHosts);
  await record(2, oneHost);
  const { stdout, exitCode } = await report(file);
  expect([exitCode, stdout]).toEqual([1, file.replace(/jsonl$/, "html")]);
});

test("as JSON it has the keys that every verb has, an item a host, and writes no file", async () => {
  const file = await record(1, tenHosts);
  const { stdout } = await report("--json");
  const printed = JSON.parse(stdout);
  expect(printed).toMatchObject({ verb: "report", stack: "prod", well: false, record: file, exitCode: 255 });
  expect(printed.items[3]).toMatchObject({ host: "web4", outcome: "rolled back" });
  expect(existsSync(file.replace(/jsonl$/, "html"))).toBe(false);
});

test.each([
  [
    "no update was recorded",
    [],
    /find the latest update of stack prod: no record is in .* Next: run berth up/,
  ],
  ["there is no such record", ["none.jsonl"], /read the record .*none\.jsonl: .* Next: name a file/],
])("where %s, that is said with what to do", async (_, args, message) => {
  const { stderr, exitCode } = await report(...args);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(message);
});
