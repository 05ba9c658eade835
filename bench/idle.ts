import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Ticks that all processors have counted. */
interface Ticks {
  idle: number;
  all: number;
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal … */
export function readTicks(stat: string): Ticks {
  const counts = (stat.split("\n")[0] ?? "").trim().split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0] = counts;
  return { idle: idle + waiting, all: counts.reduce((sum, one) => sum + one, 0) };
}

const share = (before: Ticks, after: Ticks): number =>
  after.all === before.all ? 1 : (after.idle - before.idle) / (after.all - before.all);

const ticks = async (): Promise<Ticks> => readTicks(await readFile("/proc/stat", "utf8"));

/**
 * Wait until the processors have had nothing to do for a moment, but no longer than `limit` milliseconds.
 * @returns whether they were idle
 */
export async function untilIdle(limit: number, signal?: AbortSignal): Promise<boolean> {
  const end = Date.now() + limit;
  do {
    const before = await ticks();
    await sleep(250, undefined, { signal });
    if (share(before, await ticks()) >= 0.9) return true;
  } while (Date.now() < end);
  return false;
}
