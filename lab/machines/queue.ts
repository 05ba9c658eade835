/** One thing at a time: each begins when those before it have ended, well or not. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  add<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.catch(() => undefined).then(work);
    this.#last = mine;
    return mine;
  }
}

/** A queue of its own for each key. */
export class Queues<Key> {
  readonly #queues = new Map<Key, Queue>();

  of(key: Key): Queue {
    const queue = this.#queues.get(key) ?? new Queue();
    this.#queues.set(key, queue);
    return queue;
  }
}
