import pRetry from "p-retry";
import type { Api } from "./api.ts";
import { isRefusal } from "./errors.ts";

/** How stubborn the real provider is, on top of its client's own repeats: pauses of 1, 2, 4, … seconds. */
export interface Patience {
  tries: number;
  /** Whether another try may help. */
  again(error: unknown): boolean;
}

/** The provider's usual number of tries. */
export const TRIES = 5;
const LONGEST_PAUSE_MS = 32_000;

/** Tries until it works, or until another try would not help. */
export async function persist<Result>(
  api: Api,
  signal: AbortSignal,
  { tries, again }: Patience,
  attempt: () => Promise<Result>,
): Promise<Result> {
  return await pRetry(attempt, {
    retries: tries - 1,
    factor: 2,
    minTimeout: api.patience,
    maxTimeout: LONGEST_PAUSE_MS,
    signal,
    shouldRetry: ({ error }) => again(error),
  });
}

/** Another try helps against these codes alone. */
export const against =
  (...codes: string[]) =>
  (error: unknown): boolean =>
    isRefusal(error, ...codes);

/** Runs a step that may find its work done: these codes count as success. */
export async function tolerating(codes: readonly string[], step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!isRefusal(error, ...codes)) throw error;
  }
}
