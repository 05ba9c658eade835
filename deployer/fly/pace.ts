import type { Clock } from "../clock.ts";

/** What requests of one kind share. */
export interface Rate {
  /** E.g. "update 148e…": those of one key share the allowance. */
  key: string;
  /** Requests a second. */
  perSecond: number;
  /** Requests at once after a pause. */
  burst: number;
}

/** Fly's limits: one request a second of each action per machine, and five to read one. */
export const slow = (action: string, machine: string): Rate => ({
  key: `${action} ${machine}`,
  perSecond: 1,
  burst: 3,
});
export const reading = (machine: string): Rate => ({ key: `get ${machine}`, perSecond: 5, burst: 10 });

/** Keeps requests below their rates, so that a limit is the exception and not how a release finds its speed. */
export class Pace {
  readonly #clock: Clock;
  /** When a key has its whole burst again, in the clock's milliseconds. */
  readonly #fullAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends when another request of the key may be sent, and counts it. */
  async wait({ key, perSecond, burst }: Rate, signal?: AbortSignal): Promise<void> {
    const each = 1000 / perSecond;
    const now = this.#clock.now();
    const fullAt = Math.max(this.#fullAt.get(key) ?? now, now) + each;
    this.#fullAt.set(key, fullAt);
    const early = fullAt - now - burst * each;
    if (early > 0) await this.#clock.sleep(early, signal);
  }
}
