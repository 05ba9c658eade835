import { setTimeout as sleep } from "node:timers/promises";
import { type Ticks, ticks } from "./processor.ts";

const share = (before: Ticks, after: Ticks): number =>
  after.all === before.all ? 1 : (after.idle - before.idle) / (after.all - before.all);

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
