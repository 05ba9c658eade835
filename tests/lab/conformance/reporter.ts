import type { Reporter, TestModule } from "vitest/node";
import type {} from "./routes.ts";
import { conformanceTable } from "./table.ts";

/** Prints the table of what clients asked the cloud for, where tests of clients ran. */
export default class ConformanceReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const counts = tests.flatMap((test) => test.meta().conformance ?? []);
    if (counts.length === 0) return;
    counts.sort((a, b) => (a.client < b.client ? -1 : 1));
    console.log(`\n${conformanceTable(counts)}\n`);
  }
}
