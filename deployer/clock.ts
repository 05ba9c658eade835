import { setTimeout as sleep } from "node:timers/promises";

/** What time it is, and waiting; another one makes minutes short in tests. */
export interface Clock {
  /** Milliseconds; only differences mean anything. */
  now(): number;
  /** Ends after so many milliseconds, or with the signal's reason. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const realClock: Clock = {
  now: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await sleep(milliseconds, undefined, { ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** A clock on which everything takes a fraction of its time. */
export const fastClock = (times: number): Clock => ({
  now: () => performance.now() * times,
  sleep: (milliseconds, signal) => realClock.sleep(milliseconds / times, signal),
});
