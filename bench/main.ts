import { mkdtemp, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reset, up } from "../lab/lab.ts";
import { Interrupted, runMain } from "../lab/setup/trouble.mjs";
import { Delays } from "./delays.ts";
import { makeHosts } from "./hosts.ts";
import { type Series, timeCase } from "./measure.ts";
import { type Options, readOptions } from "./options.ts";
import { type PulumiTimes, timePulumi } from "./pulumi.ts";
import { countTable, processorTable, pulumiTable, releaseTable } from "./table.ts";

const print = (line: string) => void process.stdout.write(`${line}\n`);
const results = fileURLToPath(new URL("./results.md", import.meta.url));

/** Times everything that was asked for, in a lab that is gone afterwards. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const interruption = new AbortController();
  const interrupt = () => interruption.abort(new Interrupted("interrupted; its lab is being removed"));
  // Each may come more than once: a terminal's to the whole group, and again from who started this.
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-"));
  const delays = new Delays();
  try {
    print(await measure(folder, options, delays, interruption.signal));
    return 0;
  } finally {
    delays.close();
    await reset({ folder });
  }
}

async function measure(
  folder: string,
  options: Options,
  delays: Delays,
  signal: AbortSignal,
): Promise<string> {
  const end = Date.now() + options.minutes * 60_000;
  const lab = await up({ folder, say: print });
  // Both contestants find ssh and Nix as in an update.
  Object.assign(process.env, lab.env);
  const hosts = await makeHosts(lab, delays, Math.max(...options.hosts), print, signal);
  const series: Series[] = [];
  const course = {
    ...{ hosts, delays, end, signal, env: lab.env, runs: options.runs, say: print },
    ...{ roots: join(folder, "releases"), patience: options.idle * 1_000 },
  };
  for (const count of options.hosts)
    for (const latency of options.latency)
      for (const which of options.cases) {
        const timed = await timeCase(course, { case: which, hosts: count, latency });
        if (timed) series.push(timed);
      }
  const pulumi = options.pulumi ? await timePulumi({ ...course, lab, patience: course.patience }) : undefined;
  const text = report(series, pulumi, options);
  if (options.write) await writeFile(results, text);
  return text;
}

function report(series: readonly Series[], pulumi: PulumiTimes | undefined, options: Options): string {
  const [processor] = cpus();
  const parts = [
    "# What a release costs\n",
    `Written by \`npm run bench -- --write\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${processor?.model ?? "a processor"}, which the hosts share with the deployer. Seconds: median (least–most). How it is measured: [README.md](README.md).\n`,
    releaseTable(series),
    "## Processor time\n",
    `${processorTable(series)}\nMedians of a run, of all hosts together: of everything on the machine, and of the deployer with what it starts.\n`,
    "## Handshakes and round trips of one host\n",
    countTable(series) || `Not counted: that takes an added round trip (--latency ${options.latency}).\n`,
    ...(pulumi ? ["## A run that finds nothing to do\n", pulumiTable(pulumi)] : []),
  ];
  return parts.join("\n");
}

await runMain("npm run bench", main);
