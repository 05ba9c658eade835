import { type FSWatcher, watch } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits for something to change in a folder. Close it when done. */
export class FolderWatch {
  readonly #watcher: FSWatcher | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, { persistent: false }, () => {
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      }).on("error", () => undefined);
    } catch {
      // A system has a limit on these; who waits then looks now and then.
    }
  }

  /** Resolves at the next change, or after so many milliseconds. */
  async change(milliseconds: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([
      this.#changed.promise,
      sleep(milliseconds, undefined, { signal: over.signal }).catch(() => undefined),
    ]);
    over.abort();
  }

  close(): void {
    this.#watcher?.close();
  }
}
