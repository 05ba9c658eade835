/** `npm run lab`: `up` sets up first; the other commands work with what is there. */
import { join } from "node:path";
import { handOver } from "./hand-over.mjs";
import { labFolder } from "./places.mjs";
import { Report } from "./report.mjs";
import { listens } from "./root-client.mjs";
import { setUp } from "./setup.mjs";
import { runMain } from "./trouble.mjs";

await runMain("lab", async () => {
  const argv = process.argv.slice(2);
  const isUp = argv.find((word) => !word.startsWith("-")) === "up" && !argv.includes("--help");
  // Nobody is asked for a password for a lab that runs.
  const startsLab = isUp && !(await listens(join(labFolder(), "machines.sock")));
  const { env, close } = await setUp(
    { needs: new Set([isUp ? "lab" : "npm"]), tests: false, startsLab },
    new Report(),
  );
  try {
    return await handOver(["lab/cli.ts", ...argv], env);
  } finally {
    await close();
  }
});
