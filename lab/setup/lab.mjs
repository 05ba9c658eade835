/** `npm run lab`: `up` sets up first; the other commands work with what is there. */
import { handOver } from "./hand-over.mjs";
import { Report } from "./report.mjs";
import { setUp } from "./setup.mjs";
import { runMain } from "./trouble.mjs";

await runMain("lab", async () => {
  const argv = process.argv.slice(2);
  const startsLab = argv.find((word) => !word.startsWith("-")) === "up" && !argv.includes("--help");
  const { env, close } = await setUp(
    { needs: new Set([startsLab ? "lab" : "npm"]), tests: false, startsLab },
    new Report(),
  );
  try {
    return await handOver(["lab/cli.ts", ...argv], env);
  } finally {
    await close();
  }
});
