import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import type { RunRecord } from "../../record.ts";

const checkout = join(import.meta.dirname, "../../..");

/** What the reporter writes of a file of tests. */
async function recordOf(text: string): Promise<RunRecord> {
  const folder = await mkdtemp(join(checkout, "tests/unit/.record-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "a.test.ts"), text);
  const record = join(folder, "record.json");
  const options = ["run", "--root", folder, "--reporter", join(checkout, "tests/record.ts")];
  await execa(process.execPath, [join(checkout, "node_modules/vitest/vitest.mjs"), ...options], {
    cwd: folder,
    env: { BERTH_TEST_RECORD: record },
    reject: false,
    timeout: 60_000,
  });
  return JSON.parse(await readFile(record, "utf8")) as RunRecord;
}

test("a suite whose hook fails is a failure by its name, beside those of other suites, and its tests are not skips by choice", async () => {
  const record = await recordOf(`
    import { beforeAll, describe, expect, test } from "vitest";
    const lines = ["no servers", ...Array.from({ length: 30 }, (_, at) => "line " + at), "the last"];
    test("fails by itself", () => expect(1, "why").toBe(2));
    test("passes", () => {});
    test.skip("is left out", () => {});
    describe("outer", () => {
      describe("inner", () => {
        beforeAll(() => { throw new Error(lines.join("\\n")); });
        describe("below", () => { test("never runs", () => {}); });
      });
      test("runs", () => {});
    });
  `);
  expect(record.passed).toBe(2);
  expect(record.failed).toEqual([
    { name: "a.test.ts > fails by itself", reason: expect.stringContaining("why") },
    { name: "a.test.ts > outer > inner", reason: expect.stringMatching(/^no servers\n/) },
  ]);
  const lines = record.failed[1]?.reason.split("\n") ?? [];
  expect(lines).toHaveLength(21);
  expect(lines.slice(3, 6)).toEqual(["line 2", "… 12 lines more …", "line 15"]);
  expect(lines.at(-1)).toBe("the last");
  expect(record.skipped).toEqual([
    { name: "a.test.ts > is left out", reason: "marked skip in the file" },
    {
      name: "a.test.ts > outer > inner > below > never runs",
      reason: "not run, as a.test.ts > outer > inner failed",
      broken: true,
    },
  ]);
});

test("a file that cannot be read as tests is a failure", async () => {
  const record = await recordOf(`throw new Error("no such thing");`);
  expect(record).toEqual({
    passed: 0,
    failed: [{ name: "a.test.ts", reason: "no such thing" }],
    skipped: [],
  });
});
