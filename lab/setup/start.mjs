/** `npm start`: set up, then the main job. */
import { handOver } from "./hand-over.mjs";
import { Report } from "./report.mjs";
import { setUp } from "./setup.mjs";
import { runMain } from "./trouble.mjs";

await runMain("npm start", async () => {
  const { env, close } = await setUp(
    { needs: new Set(["lab"]), tests: false, startsLab: true },
    new Report(),
  );
  try {
    return await handOver(["lab/journey/main.ts", ...process.argv.slice(2)], env);
  } finally {
    await close();
  }
});
