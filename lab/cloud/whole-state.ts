import { isDeepStrictEqual } from "node:util";
import { StateSync } from "./state-sync.ts";
import { reason, type Store } from "./store.ts";

/** Milliseconds without a change; an action that waits for its own push, and tells of its failure, comes first. */
const catchUpDelay = 20;

export interface WholeStateOptions<T> {
  /** As log lines call it, e.g. "load balancers". */
  what: string;
  /** What the driver should have, from what the store holds now. */
  wanted: () => T[];
  send: (wanted: T[]) => Promise<void>;
  log: (line: string) => void;
}

/**
 * Keeps one list of the driver at what follows from the whole store, whichever resource changed; nothing is sent while there is
 * nothing to say.
 */
export class WholeState<T> {
  readonly #options: WholeStateOptions<T>;
  readonly #sync: StateSync;
  #sent: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #complaint = "";

  constructor(options: WholeStateOptions<T>) {
    this.#options = options;
    this.#sync = new StateSync(async () => {
      const wanted = options.wanted();
      if (wanted.length > 0 || this.#sent.length > 0) {
        await options.send(wanted);
        this.#sent = wanted;
      }
    });
  }

  /** Resolves when the driver has what the store holds now, or something newer; rejects when it does not take it. */
  push(): Promise<void> {
    return this.#sync.push();
  }

  /** Follows the store from now on: what changes in one resource may move what another one needs. */
  follow(store: Store): void {
    store.onChange(() => {
      this.#timer ??= setTimeout(() => void this.#catchUp(), catchUpDelay).unref();
      this.#timer.refresh();
    });
  }

  /** The same as `push` where nobody waits for it: a failure is logged, once. */
  async quietly(): Promise<void> {
    try {
      await this.push();
      this.#complaint = "";
    } catch (error) {
      const complaint = `cloud: the lab's ${this.#options.what} could not be changed: ${reason(error)}`;
      if (complaint !== this.#complaint) {
        this.#options.log(complaint);
      }
      this.#complaint = complaint;
    }
  }

  async #catchUp(): Promise<void> {
    this.#timer = undefined;
    if (!isDeepStrictEqual(this.#options.wanted(), this.#sent)) {
      await this.quietly();
    }
  }
}
