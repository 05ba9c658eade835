/**
 * What `work` gives for each item, in their order, with at most `atOnce` of them under way. The first one that fails ends the others by
 * their signal and is thrown once all have ended; so is the reason of `signal`.
 */
export async function sideBySide<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const failed = new AbortController();
  const ending = signal ? AbortSignal.any([failed.signal, signal]) : failed.signal;
  const results: R[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) {
      ending.throwIfAborted();
      results[index] = await work(item, ending);
    }
  };
  const workers = Array.from({ length: Math.max(1, atOnce) }, () =>
    worker().catch((error: unknown) => {
      // What comes after the first failure is only its consequence.
      if (!failed.signal.aborted) failed.abort(error);
    }),
  );
  await Promise.all(workers);
  ending.throwIfAborted();
  return results;
}
