import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** What the probe has seen between two readings. */
export interface ProbeCount {
  requests: number;
  failed: number;
  /** The first failure, in words. */
  firstFailure: string | undefined;
  /** The longest answer in milliseconds. */
  slowest: number;
}

const fresh = (): ProbeCount => ({ requests: 0, failed: 0, firstFailure: undefined, slowest: 0 });

/** Requests a page again and again over new connections, as a visitor would notice an outage: any status but 200 is a failure. */
export class Probe {
  readonly #url: string;
  readonly #stopped = new AbortController();
  readonly #loop: Promise<void>;
  #count = fresh();

  /** `pause` in milliseconds between two requests; `timeout` for one. */
  constructor(url: string, { pause = 25, timeout = 5_000 } = {}) {
    this.#url = url;
    this.#loop = this.#run(pause, timeout);
  }

  /** What was seen since the last reading. */
  take(): ProbeCount {
    const count = this.#count;
    this.#count = fresh();
    return count;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
  }

  async #run(pause: number, timeout: number): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const started = Date.now();
      const failure = await this.#request(timeout);
      // A request that the end of the probe cut off says nothing.
      if (this.#stopped.signal.aborted) return;
      const count = this.#count;
      count.requests += 1;
      count.slowest = Math.max(count.slowest, Date.now() - started);
      if (failure !== undefined) {
        count.failed += 1;
        count.firstFailure ??= failure;
      }
      await sleep(pause);
    }
  }

  #request(timeout: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(timeout)]);
      const request = get(this.#url, { agent: false, signal }, (response) => {
        response.on("error", (error) => resolve(error.message));
        response.on("end", () =>
          resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode}`),
        );
        response.resume();
      });
      request.on("error", (error) => resolve(error.message));
    });
  }
}

/** Several probes' counts as one. */
export const sumCounts = (counts: readonly ProbeCount[]): ProbeCount =>
  counts.reduce(
    (total, count) => ({
      requests: total.requests + count.requests,
      failed: total.failed + count.failed,
      firstFailure: total.firstFailure ?? count.firstFailure,
      slowest: Math.max(total.slowest, count.slowest),
    }),
    fresh(),
  );
