import { ApiError } from "./errors.ts";
import type { Fault, Faults } from "./faults.ts";
import { type Collection, reason, type Store } from "./store.ts";

export interface ResourceRef {
  id: number;
  /** Singular, as the API has it: "server", "primary_ip", "firewall". */
  type: string;
}

/** An action as the API answers it and as it is stored. */
export interface Action {
  id: number;
  command: string;
  status: "running" | "success" | "error";
  /** 0-100. */
  progress: number;
  started: string;
  finished: string | null;
  resources: ResourceRef[];
  error: { code: string; message: string } | null;
}

type StoredAction = Action & { created: string };

/**
 * How POSTs answer. `running`: at once, while the driver still works, so that clients poll.
 * `instant`: when the work is done, with finished actions, so that clients never poll.
 */
export type ActionMode = "running" | "instant";

/** What an action does, and to what. */
export interface ActionOrder {
  command: string;
  resources: ResourceRef[];
  /** Nothing to do means the action only records a change that was already made. */
  work?: () => Promise<void>;
  /** Takes back what was done ahead of the work; called when the action fails without its work having been done. */
  failed?: (error: NonNullable<Action["error"]>) => void;
  /** Started after this one; fails with it. */
  after?: Action;
  /** A server that is locked until the action ends. */
  locks?: number;
}

const keptFinished = 1000;

/** Runs actions in the background, keeps their records, and locks servers meanwhile. */
export class Actions {
  readonly #records: Collection<StoredAction>;
  readonly #store: Store;
  readonly #faults: Faults;
  readonly #mode: ActionMode;
  readonly #runs = new Map<number, Promise<void>>();
  readonly #locks = new Map<number, number>();
  readonly #lockSerial = new Map<number, number>();

  constructor(store: Store, faults: Faults, mode: ActionMode) {
    this.#records = store.collection<StoredAction>("actions");
    this.#store = store;
    this.#faults = faults;
    this.#mode = mode;
  }

  /** The records, without the field that only the store needs. */
  all(): Action[] {
    return this.#records.all().map(withoutCreated);
  }

  get(id: number): Action | undefined {
    const record = this.#records.get(id);
    return record && withoutCreated(record);
  }

  /** What ran when the last process ended cannot have finished. Call once at start. */
  failInterrupted(): void {
    for (const action of this.#records.all().filter(({ status }) => status === "running")) {
      this.#finish(action, {
        code: "action_failed",
        message: "the lab's cloud was stopped while this action ran",
      });
    }
  }

  start(order: ActionOrder): Action {
    const record = this.#records.add({
      command: order.command,
      status: "running",
      progress: 0,
      started: this.#store.timestamp(),
      finished: null,
      resources: order.resources,
      error: null,
    });
    const unlock = order.locks === undefined ? undefined : this.#lock(order.locks);
    const run = this.#run(record, order).finally(() => {
      unlock?.();
      this.#runs.delete(record.id);
      this.#prune();
      this.#store.tryFlush();
    });
    this.#runs.set(record.id, run);
    return record;
  }

  /** The actions as the POST that made them answers: running or, in instant mode, finished. */
  async answer(...actions: Action[]): Promise<Action[]> {
    if (this.#mode === "instant") {
      await Promise.all(actions.map((action) => this.#runs.get(action.id)));
    }
    return actions.map((action) => this.get(action.id) ?? action);
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    while (this.#runs.size > 0) {
      await Promise.all(this.#runs.values());
    }
  }

  isLocked(serverId: number): boolean {
    return this.#locks.has(serverId);
  }

  /** Changes whenever the server gets locked; tells whether an action ran since. */
  lockSerial(serverId: number): number {
    return this.#lockSerial.get(serverId) ?? 0;
  }

  /** Throws 423 while an action of the server runs. */
  ensureUnlocked(serverId: number): void {
    if (this.isLocked(serverId)) {
      throw new ApiError("locked", "cannot perform operation because server is locked");
    }
  }

  #lock(serverId: number): () => void {
    this.#locks.set(serverId, (this.#locks.get(serverId) ?? 0) + 1);
    this.#lockSerial.set(serverId, this.lockSerial(serverId) + 1);
    return () => {
      const left = (this.#locks.get(serverId) ?? 1) - 1;
      left > 0 ? this.#locks.set(serverId, left) : this.#locks.delete(serverId);
    };
  }

  async #run(record: StoredAction, { command, work, failed, after }: ActionOrder): Promise<void> {
    // The answer to the request that started it must still show it running.
    await new Promise((resolve) => setImmediate(resolve));
    let worked = false;
    try {
      await this.#follow(after);
      const fault = this.#faults.takeForAction(command);
      if (fault?.when === "before") await suffer(fault);
      await work?.();
      worked = true;
      if (fault?.when === "after") await suffer(fault);
      this.#finish(record, null);
    } catch (error) {
      const code = error instanceof ActionFailure ? error.code : "action_failed";
      const shown = { code, message: reason(error) };
      if (!worked) failed?.(shown);
      this.#finish(record, shown);
    }
  }

  /** Waits for the action before; its failure is this one's. */
  async #follow(after: Action | undefined): Promise<void> {
    if (after === undefined) return;
    await this.#runs.get(after.id);
    const before = this.#records.get(after.id);
    if (before?.error) {
      throw new Error(`${before.command} failed: ${before.error.message}`);
    }
  }

  #finish(record: StoredAction, error: Action["error"]): void {
    this.#records.change(record, {
      status: error === null ? "success" : "error",
      progress: 100,
      finished: this.#store.timestamp(),
      error,
    });
  }

  #prune(): void {
    const finished = this.#records.all().filter(({ status }) => status !== "running");
    for (const action of finished.slice(0, Math.max(0, finished.length - keptFinished))) {
      this.#records.remove(action);
    }
  }
}

/** Fails an action with a code of its own. */
export class ActionFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Waits as long as the fault says, then fails when it says so. */
async function suffer({ delay, code, message }: Fault): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, delay));
  if (code !== undefined) {
    throw new ActionFailure(code, message ?? code.replaceAll("_", " "));
  }
}

function withoutCreated({ created: _, ...action }: StoredAction): Action {
  return action;
}
