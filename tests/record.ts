import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, TestCase, TestModule, TestRunEndReason } from "vitest/node";

/** What one run of vitest came to, as `npm test` reads it. */
export interface RunRecord {
  passed: number;
  failed: number;
  skipped: { name: string; reason: string }[];
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
    const record: RunRecord = { passed: 0, failed: unhandled.length, skipped: [] };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) count(record, test);
      // A file or suite that broke outside its tests, as in an import or a hook.
      const broken = module.errors().length > 0 || (module.state() === "failed" && !tests.some(hasFailed));
      if (broken) record.failed += 1;
    }
    if (reason === "interrupted") record.failed += 1;
    writeFileSync(file, JSON.stringify(record));
  }
}

function hasFailed(test: TestCase): boolean {
  return test.result().state === "failed";
}

function count(record: RunRecord, test: TestCase): void {
  const result = test.result();
  if (result.state === "passed") record.passed += 1;
  else if (result.state === "skipped") {
    const name = `${relative(process.cwd(), test.module.moduleId)} > ${test.fullName}`;
    record.skipped.push({ name, reason: result.note ?? `marked ${test.options.mode} in the file` });
  } else record.failed += 1;
}
