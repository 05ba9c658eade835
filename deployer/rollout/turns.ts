/** Somebody who waits for a turn. */
interface Waiting {
  who: string;
  most: number;
  go: () => void;
}

/**
 * Turns to have a host on trial: at most so many at a time, first come, first served. Whoever waits does so only for those that have one,
 * never for hosts that have not been begun; so no order of work, not even one host after the other, stands still.
 */
export class Turns {
  readonly #taken: string[] = [];
  readonly #waiting: Waiting[] = [];

  /**
   * Wait until fewer than `most` turns are taken. Returns what gives the turn back, which may be called again.
   * Throws the signal's reason when that comes first.
   * @param onWait told once, with those that have a turn, when there is none to be had at once
   */
  async take(
    who: string,
    most: number,
    { signal, onWait }: { signal?: AbortSignal; onWait?: (holders: readonly string[]) => void } = {},
  ): Promise<() => void> {
    signal?.throwIfAborted();
    const now = this.takeAtOnce(who, most);
    if (now) return now;
    onWait?.([...this.#taken]);
    await this.#wait(who, most, signal);
    return this.#giveBack(who);
  }

  /** The same, where nobody has to be waited for. */
  takeAtOnce(who: string, most: number): (() => void) | undefined {
    if (this.#waiting.length > 0 || this.#taken.length >= most) return undefined;
    this.#taken.push(who);
    return this.#giveBack(who);
  }

  #giveBack(who: string): () => void {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#taken.splice(this.#taken.indexOf(who), 1);
      this.#next();
    };
  }

  #wait(who: string, most: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        who,
        most,
        go: () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal?.reason);
        // It may have been the one that held up those behind it.
        this.#next();
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #next(): void {
    let first = this.#waiting[0];
    while (first && this.#taken.length < first.most) {
      this.#waiting.shift();
      this.#taken.push(first.who);
      first.go();
      first = this.#waiting[0];
    }
  }
}
