/** `npm start`: set up, then the main job. */
import { handOver } from "./hand-over.mjs";
import { Report } from "./report.mjs";
import { setUp } from "./setup.mjs";
import { runMain } from "./trouble.mjs";

await runMain("npm start", async () => {
  const argv = process.argv.slice(2);
  const startsLab = !argv.some((word) => word === "--help" || word === "-h");
  const { env, close } = await setUp(
    { needs: new Set([startsLab ? "lab" : "npm"]), tests: false, startsLab },
    new Report(),
  );
  try {
    return await handOver(["lab/journey/main.ts", ...argv], env);
  } finally {
    await close();
  }
});
