import { defineConfig } from "vitest/config";

/** Time a single test may take, in milliseconds. Layers that share one lab run their files one after the other. */
const layers = {
  unit: { testTimeout: 10_000, alone: false },
  components: { testTimeout: 20_000, alone: false },
  lab: { testTimeout: 120_000, alone: true },
  e2e: { testTimeout: 600_000, alone: true },
  nix: { testTimeout: 300_000, alone: true },
};

export default defineConfig({
  test: {
    projects: Object.entries(layers).map(([name, { testTimeout, alone }]) => ({
      // The app's own extends a file that only an installed SvelteKit has.
      tsconfig: "tsconfig.json",
      test: {
        name,
        include: [`tests/${name}/**/*.test.ts`],
        testTimeout,
        hookTimeout: testTimeout,
        teardownTimeout: testTimeout,
        fileParallelism: !alone,
      },
    })),
  },
});
