import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestCase, TestModule, TestRunEndReason, TestSuite } from "vitest/node";

/** What one run of vitest came to, as `npm test` reads it. */
export interface RunRecord {
  passed: number;
  failed: NamedResult[];
  skipped: SkippedResult[];
}

interface NamedResult {
  /** File and test, e.g. "tests/unit/a.test.ts > a suite > a test". */
  name: string;
  /** One line or more, of a long message its beginning and its end. */
  reason: string;
}

interface SkippedResult extends NamedResult {
  /** Not run because its suite or file broke, which counts as the failure. */
  broken?: true;
}

/** Counts a run and writes it to the file BERTH_TEST_RECORD names; vitest's own JSON report leaves out why a test was skipped. */
export default class RecordReporter implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    const file = process.env.BERTH_TEST_RECORD;
    if (!file) return;
    const stray = unhandled.map((error) => ({ name: "outside of any test", reason: saidBy(error) }));
    const record: RunRecord = { passed: 0, failed: stray, skipped: [] };
    for (const module of modules) {
      for (const test of module.children.allTests()) count(record, test);
      const before = record.failed.length;
      for (const suite of [module, ...module.children.allSuites()]) {
        const [error] = suite.errors();
        if (error) record.failed.push({ name: nameOf(suite), reason: saidBy(error) });
      }
      const untold = record.failed.length === before && ![...module.children.allTests()].some(hasFailed);
      if (module.state() === "failed" && untold)
        record.failed.push({ name: nameOf(module), reason: "it failed, and says no reason" });
    }
    if (reason === "interrupted") record.failed.push({ name: "the run", reason: "it was interrupted" });
    writeFileSync(file, JSON.stringify(record));
  }
}

function hasFailed(test: TestCase): boolean {
  return test.result().state === "failed";
}

const fileOf = (module: TestModule): string => relative(process.cwd(), module.moduleId);

function nameOf(suite: TestModule | TestSuite): string {
  return suite.type === "module" ? fileOf(suite) : `${fileOf(suite.module)} > ${suite.fullName}`;
}

/** The innermost suite around a test whose own hook failed, or its file when that broke. */
function brokenAround(test: TestCase): TestModule | TestSuite | undefined {
  let around = test.parent;
  while (around.type === "suite" && around.errors().length === 0) around = around.parent;
  return around.errors().length > 0 ? around : undefined;
}

/** What an error says: whole commands' output is in there, whose last lines tell most. */
function saidBy(error: unknown): string {
  const text = error instanceof Object && "message" in error ? String(error.message) : String(error ?? "");
  const lines = stripVTControlCharacters(text).trim().split("\n");
  const [first, last] = [4, 16];
  const left = lines.length - first - last;
  if (left > 0) lines.splice(first, left, `… ${left} lines more …`);
  return lines.join("\n") || "no reason was given";
}

function count(record: RunRecord, test: TestCase): void {
  const result = test.result();
  const name = `${fileOf(test.module)} > ${test.fullName}`;
  if (result.state === "passed") record.passed += 1;
  else if (result.state === "skipped") record.skipped.push({ name, ...whySkipped(test, result.note) });
  else record.failed.push({ name, reason: saidBy(result.errors?.[0]) });
}

function whySkipped(test: TestCase, note: string | undefined): Omit<SkippedResult, "name"> {
  if (note !== undefined) return { reason: note };
  const broken = brokenAround(test);
  if (broken) return { reason: `not run, as ${nameOf(broken)} failed`, broken: true };
  return { reason: `marked ${test.options.mode} in the file` };
}
