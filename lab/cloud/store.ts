import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** What every stored thing has. */
export interface Item {
  id: number;
  /** RFC 3339. */
  created: string;
}

interface State {
  version: 1;
  /** The port of the last start, so that the URL stays the same. */
  port: number | null;
  /** One counter for all kinds, so that an id of the wrong kind is never found by luck. */
  nextId: number;
  cursors: Record<string, number>;
  collections: Record<string, Item[]>;
}

/** The things of one kind, in the order of their ids. */
export class Collection<T extends Item> {
  readonly #items: T[];
  readonly #store: Store;

  constructor(store: Store, items: T[]) {
    this.#store = store;
    this.#items = items;
  }

  all(): readonly T[] {
    return this.#items;
  }

  get(id: number): T | undefined {
    return this.#items.find((item) => item.id === id);
  }

  add(fields: Omit<T, "id" | "created">): T {
    const item = { id: this.#store.takeId(), created: this.#store.timestamp(), ...fields } as T;
    this.#items.push(item);
    this.#store.changed();
    return item;
  }

  change(item: T, fields: Partial<Omit<T, "id" | "created">>): void {
    Object.assign(item, fields);
    this.#store.changed();
  }

  remove(item: T): void {
    const index = this.#items.indexOf(item);
    if (index !== -1) {
      this.#items.splice(index, 1);
      this.#store.changed();
    }
  }

  /** Puts back what was removed, in its place. */
  restore(item: T): void {
    const index = this.#items.findIndex(({ id }) => id >= item.id);
    this.#items.splice(index === -1 ? this.#items.length : index, 0, item);
    this.#store.changed();
  }
}

/**
 * Everything the cloud knows, in memory and in one JSON file.
 * Changes are marked, and written before an answer tells of them (`flush`).
 */
export class Store {
  readonly #file: string | null;
  readonly #now: () => Date;
  readonly #state: State;
  readonly #collections = new Map<string, unknown>();
  readonly #listeners: (() => void)[] = [];
  #dirty = false;

  /** @param file where to load from and save to; null keeps all in memory. */
  constructor(file: string | null, now: () => Date = () => new Date()) {
    this.#file = file;
    this.#now = now;
    this.#state = file !== null && existsSync(file) ? load(file) : empty();
  }

  collection<T extends Item>(name: string): Collection<T> {
    const known = this.#collections.get(name);
    if (known !== undefined) {
      return known as Collection<T>;
    }
    this.#state.collections[name] ??= [];
    const made = new Collection<T>(this, this.#state.collections[name] as T[]);
    this.#collections.set(name, made);
    return made;
  }

  takeId(): number {
    return this.#state.nextId++;
  }

  timestamp(): string {
    return this.#now()
      .toISOString()
      .replace(/\.\d+Z$/, "+00:00");
  }

  /** A number that outlives restarts, e.g. where the search for a free address goes on. */
  cursor(name: string): number | undefined {
    return this.#state.cursors[name];
  }

  setCursor(name: string, value: number): void {
    this.#state.cursors[name] = value;
    this.changed();
  }

  get port(): number | null {
    return this.#state.port;
  }

  set port(port: number) {
    this.#state.port = port;
    this.changed();
  }

  changed(): void {
    this.#dirty = true;
    for (const listener of this.#listeners) listener();
  }

  /** Calls the listener after every change, before anything is written. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Writes what changed; what could not be written stays marked. Synchronous, so that two saves never interleave. */
  flush(): void {
    if (!this.#dirty || this.#file === null) {
      return;
    }
    const draft = `${this.#file}.new`;
    writeFileSync(draft, `${JSON.stringify(this.#state, null, 1)}\n`, { mode: 0o600 });
    renameSync(draft, this.#file);
    this.#dirty = false;
  }

  /** The same where nobody waits for it; the next answer tells when it keeps failing. */
  tryFlush(): void {
    try {
      this.flush();
    } catch {
      // Still marked as changed.
    }
  }
}

function empty(): State {
  return { version: 1, port: null, nextId: 1001, cursors: {}, collections: {} };
}

function load(file: string): State {
  let state: Partial<State>;
  try {
    state = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file} cannot be read (${reason(error)}); \`npm run lab -- reset\` starts afresh`);
  }
  if (state.version !== 1) {
    throw new Error(
      `${file} is of version ${state.version}, this lab writes version 1; \`npm run lab -- reset\` starts afresh`,
    );
  }
  return state as State;
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
