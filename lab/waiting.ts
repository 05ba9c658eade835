import { setTimeout as sleep } from "node:timers/promises";
import { Trouble } from "./setup/trouble.mjs";

/**
 * Wait until a check answers something else than undefined.
 * @param what what is waited for, for the error
 * @param deadline milliseconds
 * @throws Trouble after the deadline
 */
export async function until<T>(
  what: string,
  deadline: number,
  check: () => Promise<T | undefined>,
): Promise<T> {
  const end = Date.now() + deadline;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Trouble(`waited ${deadline / 1000} s in vain for ${what}`);
    await sleep(100);
  }
}
