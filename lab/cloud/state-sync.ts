/** Hands a whole state to the driver, one change after the other. */
export class StateSync {
  readonly #send: () => Promise<void>;
  #last: Promise<void> = Promise.resolve();
  #pending: Promise<void> | undefined;

  /** @param send reads the store when it is called, and resolves when the driver follows it. */
  constructor(send: () => Promise<void>) {
    this.#send = send;
  }

  /** Resolves when the driver follows what the store holds now, or something newer. */
  push(): Promise<void> {
    this.#pending ??= this.#next();
    return this.#pending;
  }

  #next(): Promise<void> {
    const run = this.#last
      // Whoever asked for the change that failed takes it back first.
      .catch(() => new Promise((resolve) => setImmediate(resolve)))
      .then(() => {
        this.#pending = undefined;
        return this.#send();
      });
    this.#last = run;
    return run;
  }
}

/** Sends a list; an empty one only after one that was not. */
export function sendList<T>(list: () => T[], send: (list: T[]) => Promise<void>): () => Promise<void> {
  let sent = false;
  return async () => {
    const wanted = list();
    if (sent || wanted.length > 0) {
      sent = true;
      await send(wanted);
    }
  };
}
