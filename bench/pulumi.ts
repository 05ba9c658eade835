import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { lastLines } from "../deployer/process.ts";
import type { Lab } from "../lab/lab.ts";
import { checkout } from "../lab/setup/places.mjs";
import { Trouble } from "../lab/setup/trouble.mjs";
import { untilIdle } from "./idle.ts";

/** What a stack consists of. */
export interface ResourceCounts {
  components: number;
  /** Of Hetzner's provider. */
  hcloud: number;
  /** Custom resources of any other provider. */
  others: number;
}

/** Seconds of `pulumi` on a stack where nothing is to be done, on Berth's and on a bare program's of as many resources. */
export interface PulumiTimes {
  counts: ResourceCounts;
  preview: { berth: number[]; bare: number[] };
  up: { berth: number[]; bare: number[] };
  /** The most memory Berth's provider had resident in the first update, which installs and deploys, and in one that does nothing; MB. */
  memory: { first: number; unchanged: number };
}

const bareProgram = fileURLToPath(new URL("./bare", import.meta.url));

const exported = z.object({
  deployment: z.object({
    resources: z.array(z.object({ type: z.string(), custom: z.boolean().default(false) })),
  }),
});

/** How many resources a state holds, as `pulumi stack export` prints it. Providers and the stack itself do not count. */
export function countResources(state: string): ResourceCounts {
  const counted = exported
    .parse(JSON.parse(state))
    .deployment.resources.filter(
      ({ type }) => !type.startsWith("pulumi:providers:") && type !== "pulumi:pulumi:Stack",
    );
  const of = (fits: (one: { type: string; custom: boolean }) => boolean) => counted.filter(fits).length;
  return {
    components: of(({ custom }) => !custom),
    hcloud: of(({ type, custom }) => custom && type.startsWith("hcloud:")),
    others: of(({ type, custom }) => custom && !type.startsWith("hcloud:")),
  };
}

export interface PulumiCourse {
  lab: Lab;
  runs: number;
  /** Milliseconds to wait for an idle processor. */
  patience: number;
  /** No run is started after it; milliseconds since the epoch. */
  end: number;
  signal: AbortSignal;
  say: (line: string) => void;
}

/** Bring up a host with the project's own program, then time what an engine does that has nothing to do, both programs in turn. */
export async function timePulumi({
  lab,
  runs,
  patience,
  end,
  signal,
  say,
}: PulumiCourse): Promise<PulumiTimes> {
  const pulumi = async (cwd: string, env: Record<string, string>, ...args: string[]): Promise<string> => {
    signal.throwIfAborted();
    const ended = await execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
      ...{ cwd, env, reject: false, timeout: 600_000, all: true },
    });
    if (ended.exitCode === 0) return ended.stdout;
    throw new Trouble(`pulumi ${args[0]} ended with ${ended.exitCode}:\n${lastLines(ended.all, 20)}`);
  };
  const up = ["up", "--yes", "--skip-preview"];

  say("pulumi up: order, install and deploy a host");
  const first = await peakWhile(lab, pulumi(checkout, lab.env, ...up));
  const counts = countResources(await pulumi(checkout, lab.env, "stack", "export"));
  const bareEnv = {
    ...lab.env,
    BERTH_BARE: JSON.stringify(counts),
    PULUMI_OPTION_CONFIG_FILE: join(lab.places.folder, "Pulumi.bare.yaml"),
  };
  const bareStack = ["--stack", "bare"];
  await pulumi(bareProgram, bareEnv, "stack", "init", "bare", "--no-select");
  await pulumi(bareProgram, bareEnv, ...up, ...bareStack);
  const unchanged = await peakWhile(lab, pulumi(checkout, lab.env, ...up, "--expect-no-changes"));

  const times: PulumiTimes = {
    ...{ counts, preview: { berth: [], bare: [] }, up: { berth: [], bare: [] } },
    memory: { first, unchanged },
  };
  const commands = {
    preview: ["preview", "--expect-no-changes"],
    up: [...up, "--expect-no-changes"],
  } as const;
  for (let run = 0; run < runs && Date.now() < end; run++)
    for (const verb of ["preview", "up"] as const)
      for (const who of run % 2 === 0 ? (["bare", "berth"] as const) : (["berth", "bare"] as const)) {
        await untilIdle(patience, signal);
        const start = performance.now();
        if (who === "berth") await pulumi(checkout, lab.env, ...commands[verb]);
        else await pulumi(bareProgram, bareEnv, ...commands[verb], ...bareStack);
        times[verb][who].push((performance.now() - start) / 1_000);
      }
  return times;
}

/** The most memory this lab's provider had resident while something went on, in MB. */
async function peakWhile(lab: Lab, work: Promise<unknown>): Promise<number> {
  let peak = 0;
  let going = true;
  const done = work.finally(() => {
    going = false;
  });
  // It fails below, where it is awaited.
  done.catch(() => undefined);
  while (going) {
    peak = Math.max(peak, await providerPeak(lab.places.folder));
    await Promise.race([done.catch(() => undefined), sleep(200)]);
  }
  await done;
  return peak;
}

async function providerPeak(labFolder: string): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const peaks = pids.map(async (pid) => {
    const [commandLine, environment, status] = await Promise.all(
      ["cmdline", "environ", "status"].map((file) =>
        readFile(`/proc/${pid}/${file}`, "utf8").catch(() => ""),
      ),
    );
    if (!commandLine?.includes(join(checkout, "provider"))) return 0;
    if (!environment?.split("\0").includes(`BERTH_LAB=${labFolder}`)) return 0;
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(status ?? "")?.[1] ?? 0) / 1_000;
  });
  return Math.max(0, ...(await Promise.all(peaks)));
}
