import { spawn } from "node:child_process";
import { open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { cloudAccess } from "./environment.ts";
import type { LabPlaces } from "./folder.ts";
import { waitFor } from "./machines/waiting.ts";
import { checkout, node24 } from "./setup/places.mjs";
import { Trouble } from "./setup/trouble.mjs";

const PROGRAM = join(checkout, "lab/cloud/main.ts");
/** Time for a start, and for an end in which running actions settle; milliseconds. */
const START = 30_000;
const END = 30_000;

/** Start the cloud and wait until it answers. */
export async function startCloud(places: LabPlaces): Promise<void> {
  const log = await open(places.cloudLog, "a");
  const from = (await log.stat()).size;
  const child = spawn(node24, [PROGRAM, "--lab", places.folder], {
    cwd: checkout,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  await log.close();
  let ended = false;
  child.once("error", () => {
    ended = true;
  });
  child.once("exit", () => {
    ended = true;
  });
  child.unref();
  const answers = async () => {
    if (ended) throw new Trouble(`the lab's cloud ended at once:\n${await tail(places.cloudLog, from)}`);
    return (await cloudAnswers(places)) || null;
  };
  await waitFor(`an answer of the lab's cloud (log: ${places.cloudLog})`, answers, START, 100);
}

/**
 * End the cloud; it lets running actions settle first.
 * @returns whether it ran
 */
export async function stopCloud(places: LabPlaces): Promise<boolean> {
  const pid = await cloudProcess(places);
  if (pid !== undefined) {
    process.kill(pid, "SIGTERM");
    const gone = async () => ((await cloudProcess(places)) === undefined ? true : null);
    await waitFor(`the end of process ${pid}`, gone, END, 100).catch(async () => {
      process.kill(pid, "SIGKILL");
      await waitFor(`the end of process ${pid}, which was killed`, gone, 5_000, 100);
    });
  }
  await rm(places.cloudUrl, { force: true });
  return pid !== undefined;
}

/**
 * The cloud's process while it lives. It is looked for by its command line: a file with its id would be wrong after a crash,
 * and not there yet after an interruption.
 */
export async function cloudProcess(places: LabPlaces): Promise<number | undefined> {
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (words.includes(PROGRAM) && words.includes(places.folder)) return Number(name);
  }
  return undefined;
}

/** Whether the cloud answers to its token: another program may have the port by now. */
export async function cloudAnswers(places: LabPlaces): Promise<boolean> {
  const access = await cloudAccess(places);
  if (!access) return false;
  const headers = { authorization: `Bearer ${access.token}` };
  const signal = AbortSignal.timeout(3_000);
  return fetch(`${access.url}/locations`, { headers, signal }).then(
    async (answer) =>
      answer.ok && z.object({ locations: z.array(z.unknown()) }).safeParse(await answer.json()).success,
    () => false,
  );
}

async function tail(file: string, from: number): Promise<string> {
  const text = (await readFile(file)).subarray(from).toString();
  return text
    .trim()
    .split("\n")
    .slice(-6)
    .map((line) => `  ${line}`)
    .join("\n");
}
