import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { waitFor } from "./waiting.ts";

interface DaemonMark {
  pid: number;
  /** When the process started, in the kernel's ticks: tells it from a later one with the same id. */
  started: string;
}

async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The second field is the program's name in brackets and may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields && fields[0] !== "Z" ? (fields[19] ?? null) : null;
}

/** Notes that this process is the lab's daemon. */
export async function markDaemon(file: string): Promise<void> {
  const mark: DaemonMark = { pid: process.pid, started: (await startOf(process.pid)) ?? "" };
  await writeFile(`${file}.new`, JSON.stringify(mark));
  await rename(`${file}.new`, file);
}

/** The process id of the lab's daemon while it lives; null otherwise. */
export async function livingDaemon(file: string): Promise<number | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return null;
  const mark: DaemonMark = JSON.parse(text);
  return (await startOf(mark.pid)) === mark.started ? mark.pid : null;
}

/** Kills the lab's daemon if there is one, and waits for its end. */
export async function killDaemon(file: string): Promise<void> {
  const pid = await livingDaemon(file);
  if (pid !== null) {
    process.kill(pid, "SIGKILL");
    await waitFor(
      `the end of process ${pid}`,
      async () => ((await livingDaemon(file)) === null ? true : null),
      30_000,
    );
  }
  await rm(file, { force: true });
}
