import { type BuildOptions, type BuildPlace, buildAll, type Derivation, here, type Wanted } from "./build.ts";

/** Milliseconds in which builds that are asked for go into one Nix. */
const gather = 30;

interface Request extends Wanted {
  options: BuildOptions;
  done: () => void;
  failed: (error: unknown) => void;
}

/** Builds that are asked for at about the same time, as those of several hosts in one update, become one: what they share is built once. */
export class BuildQueue {
  readonly #waiting = new Map<string, { place: BuildPlace; requests: Request[] }>();

  /** See `build`. Resolves as soon as this one is there, whatever the others do. */
  build(what: string, derivation: Derivation, options: BuildOptions, place = here): Promise<void> {
    return new Promise((done, failed) => {
      const key = JSON.stringify(place);
      const batch = this.#waiting.get(key) ?? { place, requests: [] };
      if (batch.requests.length === 0) {
        this.#waiting.set(key, batch);
        setTimeout(() => {
          this.#waiting.delete(key);
          void start(batch.requests, place);
        }, gather);
      }
      batch.requests.push({ what, ...derivation, options, done, failed });
    });
  }
}

async function start(requests: readonly Request[], place: BuildPlace): Promise<void> {
  // Given up on when nobody waits for it any more.
  const stop = new AbortController();
  let left = requests.length;
  for (const { options, failed } of requests) {
    const { signal } = options;
    const leave = () => {
      failed(signal?.reason);
      left -= 1;
      if (left === 0) stop.abort();
    };
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
  }
  // A host that has what it wants goes on, and is told no more of the others.
  const listeners = new Map(requests.map((request): [Wanted, BuildOptions] => [request, request.options]));
  const each = (tell: (options: BuildOptions) => void) => {
    for (const options of listeners.values()) tell(options);
  };
  try {
    const failures = await buildAll(
      requests,
      {
        deadline: Math.max(...requests.map(({ options }) => options.deadline)),
        signal: stop.signal,
        onLine: (line) => each(({ onLine }) => onLine?.(line)),
        onProgress: (line) => each(({ onProgress }) => onProgress?.(line)),
        onBuilt: (built) => {
          listeners.delete(built);
          requests.find((request) => request === built)?.done();
        },
      },
      place,
    );
    for (const request of requests) {
      const failure = failures.get(request);
      if (failure) request.failed(failure);
      else request.done();
    }
  } catch (error) {
    for (const { failed } of requests) failed(error);
  }
}
