/** A bucket of requests that refills steadily, as the API's: 3600 at most, one more a second. */
export class RateLimit {
  readonly limit: number;
  readonly #now: () => number;
  readonly #perSecond: number;
  #left: number;
  #at: number;

  /** @param now milliseconds */
  constructor(limit = 3600, perSecond = 1, now: () => number = Date.now) {
    this.limit = limit;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#left = limit;
    this.#at = now();
  }

  /** Counts one request; true when there was none left. */
  take(): boolean {
    this.#refill();
    if (this.#left < 1) {
      return true;
    }
    this.#left--;
    return false;
  }

  headers(): Record<string, string> {
    this.#refill();
    const secondsToFull = Math.ceil((this.limit - this.#left) / this.#perSecond);
    return {
      "RateLimit-Limit": String(this.limit),
      "RateLimit-Remaining": String(Math.floor(this.#left)),
      "RateLimit-Reset": String(Math.floor(this.#now() / 1000) + secondsToFull),
    };
  }

  #refill(): void {
    const now = this.#now();
    this.#left = Math.min(this.limit, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
  }
}
