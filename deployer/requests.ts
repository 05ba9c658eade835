import { type Clock, realClock } from "./clock.ts";
import { innermostOf } from "./failure.ts";

/** A request without an answer; the message says why, e.g. "no answer within 30 s". */
export class NoAnswer extends Error {}

/** An answer whose body has been read to its end. */
export interface Answer {
  response: Response;
  text: string;
}

/**
 * One request and its answer, body included.
 * @param limits `deadline` in milliseconds; `signal` ends it with its own reason
 * @throws NoAnswer, or the signal's reason
 */
export async function send(
  url: string | URL,
  init: RequestInit,
  { deadline, signal }: { deadline: number; signal?: AbortSignal | undefined },
): Promise<Answer> {
  const limit = AbortSignal.timeout(deadline);
  try {
    const response = await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    return { response, text: await response.text() };
  } catch (error) {
    signal?.throwIfAborted();
    throw new NoAnswer(
      limit.aborted ? `no answer within ${deadline / 1000} s` : `no answer: ${innermostOf(error)}`,
    );
  }
}

/** Whether another attempt may well go better: too much at once, or a fault on the way or of the server. 0 is no answer at all. */
export const isPassing = (status: number): boolean =>
  status === 0 || status === 408 || status === 429 || status >= 500;

/** Whether a request that failed so may have been carried out all the same: what changes something is not just sent again then. */
export const mayBeDone = (status: number): boolean => isPassing(status) && status !== 429;

/** A failure that another attempt may not meet. */
export class Passing extends Error {
  /** Thrown when there is no other attempt. */
  readonly failure: Error;
  /** 0 where there was no answer. */
  readonly status: number;
  /** Milliseconds that the server wants to be left alone. */
  readonly retryAfter: number | undefined;

  constructor(failure: Error, status: number, headers?: Headers) {
    super(failure.message);
    this.failure = failure;
    this.status = status;
    this.retryAfter = headers && retryAfterOf(headers, Date.now());
  }
}

export interface Repeats {
  /** Milliseconds in which another attempt may begin. @default 60 s */
  patience?: number | undefined;
  /** Attempts after the first. @default what there is patience for */
  retries?: number | undefined;
  signal?: AbortSignal | undefined;
  /** @default the machine's own */
  clock?: Clock | undefined;
  /** Told before each wait, with its milliseconds. */
  onWait?: (wait: number, before: Passing) => void;
}

const firstWait = 500;
const longestWait = 8000;
/** Longer than this is waited for nobody: people are told instead. */
const longestRetryAfter = 60_000;

/**
 * Attempts until one succeeds or throws anything but Passing; out of patience, the last failure.
 * @param attempt is told how the one before it failed
 */
export async function repeat<T>(
  attempt: (before: Passing | undefined) => Promise<T>,
  { patience = 60_000, retries = Number.POSITIVE_INFINITY, signal, clock = realClock, onWait }: Repeats = {},
): Promise<T> {
  const until = clock.now() + patience;
  let before: Passing | undefined;
  for (let failed = 0; ; failed++) {
    try {
      return await attempt(before);
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      const wait = error.retryAfter ?? Math.min(firstWait * 2 ** failed, longestWait);
      if (failed >= retries || wait > longestRetryAfter || clock.now() + wait > until) throw error.failure;
      onWait?.(wait, error);
      await clock.sleep(wait, signal);
      before = error;
    }
  }
}

/** Retry-After in milliseconds: seconds or a date, as the server likes (RFC 9110, 10.2.3). */
export function retryAfterOf(headers: Headers, now: number): number | undefined {
  const said = headers.get("retry-after")?.trim();
  if (!said) return undefined;
  if (/^\d+$/.test(said)) return Number(said) * 1000;
  // Date.parse takes a lone number for a year.
  const date = said.endsWith(" GMT") ? Date.parse(said) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}
