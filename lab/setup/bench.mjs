/** `npm run bench`: set up what a lab needs, then time Berth's deployer in a lab of the benchmark's own. */
import { handOver } from "./hand-over.mjs";
import { Report } from "./report.mjs";
import { setUp } from "./setup.mjs";
import { runMain } from "./trouble.mjs";

await runMain("npm run bench", async () => {
  const { env, close } = await setUp(
    { needs: new Set(["lab"]), tests: false, startsLab: true },
    new Report(),
  );
  try {
    return await handOver(["bench/main.ts", ...process.argv.slice(2)], env);
  } finally {
    await close();
  }
});
