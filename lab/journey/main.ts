import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { messageOf } from "../../deployer/failure.ts";
import { reset } from "../lab.ts";
import { checkout, labFolder } from "../setup/places.mjs";
import { runMain, Trouble } from "../setup/trouble.mjs";
import { lifeOf } from "../setup/turn.mjs";
import { Journal } from "./journal.ts";
import { Journey } from "./journey.ts";
import { NotHeld } from "./steps.ts";

const command = new Command("npm start --")
  .description("Order, install, deploy, change, break and tear down a host in the lab: no account, no cost.")
  .option("--keep", "leave the lab and the stack up, and say how to go on by hand", false)
  .parse();
const { keep } = command.opts<{ keep: boolean }>();

const folder = labFolder();
/** A lab made by an earlier run that did not end is this program's to remove; any other is somebody's. */
const claim = join(folder, "journey");
const journalFile = join(folder, "journal.json");
const print = (line: string) => void process.stdout.write(`${line}\n`);

/** @throws Trouble when the run that claimed the lab is still under way */
async function refuseLiving(): Promise<void> {
  const [pid, life] = (await readFile(claim, "utf8")).split(" ");
  if (pid && life && lifeOf(Number(pid)) === life) {
    throw new Trouble(
      `another npm start (process ${pid}) is under way in ${folder}. Next: wait for it, or name another folder with BERTH_LAB`,
    );
  }
}

async function main(): Promise<number> {
  if (existsSync(join(folder, "lab.json"))) {
    if (!existsSync(claim)) {
      throw new Trouble(
        `${folder} is a lab in use (npm run lab -- status). Next: npm run lab -- reset, or name another folder with BERTH_LAB`,
      );
    }
    await refuseLiving();
    print("An earlier run did not end; its lab is removed first.");
    await reset({ folder, say: (line) => print(`     ${line}`) });
  }
  await mkdir(folder, { recursive: true });
  await writeFile(claim, `${process.pid} ${lifeOf(process.pid)}`);
  const journal = new Journal(journalFile);
  const journey = new Journey({ folder, project: checkout, journal, print });
  let failure: unknown;
  try {
    await journey.there();
    if (!keep) await journey.back();
  } catch (error) {
    failure = error;
  } finally {
    await journey.stop();
  }
  const ok = failure === undefined;
  journal.write(ok);
  if (failure !== undefined && !(failure instanceof NotHeld)) print(messageOf(failure));
  if (!ok) print(`The lab is left as it is, to look at: npm run lab -- status. npm start begins anew.`);
  if (ok && keep) {
    await rm(claim, { force: true });
    const [name, host] = Object.entries(journey.outputs.hosts)[0] ?? [];
    print(`\n${host?.url} is up. Go on by hand:`);
    print(`  eval "$(npm run -s lab -- env)"`);
    print("  pulumi preview && hcloud server list");
    print(`  npm run lab -- ssh ${name}`);
    print("  edit .lab/flake/site/src/lib/greeting.ts and run pulumi up");
    print("  npm run lab -- reset");
  }
  const passed = journal.steps.filter((step) => step.ok).length;
  print(
    `\n${ok ? "All held" : "NOT all held"}: ${passed} of ${journal.steps.length} steps, ${journal.seconds.toFixed(1)} s. Record: ${journalFile}`,
  );
  return ok ? 0 : 1;
}

await runMain("npm start", main);
