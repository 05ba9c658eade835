import type { EngineLog } from "./engine.ts";
import type { CallContext } from "./types.ts";

/** How long an answer waits for its log lines to reach the engine. */
const FLUSH_MS = 2_000;

/** Why a call's signal is aborted that took longer than its `customTimeouts` allow. */
export class NotInTime extends Error {}

/** The calls being served: gives each its context, cancels them all, and knows when the last one has ended. */
export class Calls {
  readonly #cancelled = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #log: () => EngineLog;

  /** `log` is asked at each line, because an attached engine comes later than the server. */
  constructor(log: () => EngineLog) {
    this.#log = log;
  }

  /** Runs one call; `timeoutSeconds` 0 means none. */
  async run<T>(urn: string, timeoutSeconds: number, work: (call: CallContext) => Promise<T>): Promise<T> {
    const timeout = new AbortController();
    const name = urn.split("::").at(-1) ?? "";
    const timer =
      timeoutSeconds > 0
        ? setTimeout(
            () =>
              timeout.abort(
                new NotInTime(`${name}: not done within the ${timeoutSeconds} s of its customTimeouts`),
              ),
            Math.min(timeoutSeconds * 1000, 2 ** 31 - 1),
          )
        : undefined;
    const call: CallContext = {
      urn,
      name,
      timeoutSeconds: timeoutSeconds > 0 ? timeoutSeconds : undefined,
      signal: AbortSignal.any([this.#cancelled.signal, timeout.signal]),
      log: (severity, message) => this.#log().log(urn, severity, message, false),
      status: (message) => this.#log().log(urn, "info", message, true),
    };
    const running = (async () => {
      try {
        return await work(call);
      } finally {
        clearTimeout(timer);
        await this.#log().flush(FLUSH_MS);
      }
    })();
    const settled = running.then(
      () => {},
      () => {},
    );
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return await running;
  }

  /** Aborts every call, now and later. */
  cancel(because: string): void {
    this.#cancelled.abort(new Error(because));
  }

  /** Resolves when no call is being served. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
