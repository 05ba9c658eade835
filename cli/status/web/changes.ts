/** Tells those who wait that something has changed, and none of them too late. */
export class Changes {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  /** What `next` is asked with. */
  get count(): number {
    return this.#count;
  }

  readonly tell = (): void => {
    this.#count++;
    for (const wake of this.#waiting) wake();
  };

  /**
   * Resolves when there are more than `seen` changes, or when the time is over, or `signal` says so.
   * @param deadline milliseconds
   */
  async next(seen: number, deadline: number, signal: AbortSignal): Promise<void> {
    if (this.#count > seen || signal.aborted) return;
    let timer: NodeJS.Timeout | undefined;
    let wake = () => {};
    try {
      await new Promise<void>((resolve) => {
        wake = resolve;
        this.#waiting.add(wake);
        signal.addEventListener("abort", wake, { once: true });
        timer = setTimeout(wake, deadline);
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      this.#waiting.delete(wake);
    }
  }
}
