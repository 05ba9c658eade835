import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** One is left for all else, as vitest has it; of two none is, or it would be one file after the other. */
const processors = Math.max(availableParallelism() - 1, 2);

/**
 * Time a single test may take, in milliseconds, and how many files run at once. What the layers wait for are machines rather than
 * this one's processors: a file of `lab` or `e2e` has a lab or servers of its own. The files of `nix` share what they test.
 */
const layers = {
  unit: { testTimeout: 60_000, maxWorkers: processors },
  components: { testTimeout: 60_000, maxWorkers: processors },
  lab: { testTimeout: 300_000, maxWorkers: 4 },
  e2e: { testTimeout: 1_800_000, maxWorkers: 3 },
  nix: { testTimeout: 300_000, maxWorkers: 1 },
};

/** Files that take longest: they boot many machines, or one many times, or run whole previews. */
const slowFiles = new RegExp(
  [
    "/tests/unit/deployer/(fly/release|main)\\.test",
    "/tests/lab/(machines|system|policy)/",
    "/tests/lab/docker/(faults|compose|modes)\\.test",
    "/tests/e2e/(rollout|release-faults|install|changes|main-job|reboot|fly|tutorial|disasters|secrets|beside|containers|identity)\\.test",
  ].join("|"),
);

/** Starts with the files that take longest, so that none of them is left for the end. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const slow = ({ moduleId }: TestSpecification) => slowFiles.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(slow), ...sorted.filter((file) => !slow(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: SlowFirst },
    projects: Object.entries(layers).map(([name, { testTimeout, ...workers }], index) => ({
      // The app's own extends a file that only an installed SvelteKit has.
      tsconfig: "tsconfig.json",
      test: {
        name,
        include: [`tests/${name}/**/*.test.ts`],
        testTimeout,
        hookTimeout: testTimeout,
        teardownTimeout: testTimeout,
        // What holds at last, holds: how soon depends on the machine.
        expect: { poll: { timeout: Math.min(testTimeout / 2, 300_000) } },
        ...workers,
        // One layer after the other.
        sequence: { groupOrder: index },
      },
    })),
  },
});
