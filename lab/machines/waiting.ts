import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits until `probe` gives something other than null.
 * @throws when it has not within `limitMs`, naming `what`
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | null> | T | null,
  limitMs: number,
  everyMs = 25,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${limitMs / 1000} s`);
    await sleep(everyMs);
  }
}
