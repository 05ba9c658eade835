import { spawn } from "node:child_process";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { cloudAccess } from "./environment.ts";
import type { LabPlaces } from "./folder.ts";
import { checkout, node24 } from "./setup/places.mjs";
import { Trouble } from "./setup/trouble.mjs";
import { until } from "./waiting.ts";

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
  await writeFile(places.cloudPid, `${child.pid}\n`);
  await until(`the lab's cloud to answer (log: ${places.cloudLog})`, START, async () => {
    if (ended) throw new Trouble(`the lab's cloud ended at once:\n${await tail(places.cloudLog, from)}`);
    return (await cloudAnswers(places)) || undefined;
  });
}

/** End the cloud; it lets running actions settle first. */
export async function stopCloud(places: LabPlaces): Promise<boolean> {
  const pid = await cloudProcess(places);
  if (pid === undefined) {
    await rm(places.cloudPid, { force: true });
    await rm(places.cloudUrl, { force: true });
    return false;
  }
  process.kill(pid, "SIGTERM");
  const gone = async () => ((await cloudProcess(places)) === undefined ? true : undefined);
  await until(`the end of process ${pid}`, END, gone).catch(async () => {
    process.kill(pid, "SIGKILL");
    await until(`the end of process ${pid}, which was killed`, 5_000, gone);
  });
  await rm(places.cloudPid, { force: true });
  await rm(places.cloudUrl, { force: true });
  return true;
}

/** The cloud's process while it lives. Its command line is compared, because process ids are used again. */
export async function cloudProcess(places: LabPlaces): Promise<number | undefined> {
  const pid = Number(await readFile(places.cloudPid, "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  return words.includes(PROGRAM) && words.includes(places.folder) ? pid : undefined;
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
