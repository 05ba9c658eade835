import pRetry from "p-retry";
import type { Api } from "./api.ts";
import { ApiError } from "./errors.ts";

/** The real provider's own repeats, on top of the client's: pauses of 1, 2, 4, … seconds. */
export interface Patience {
  tries: number;
  /** Codes that mean there is nothing to delete any more. */
  gone: readonly string[];
  /** Codes no repeat will help with. */
  giveUp(code: string): boolean;
  /** Milliseconds before the first repeat. Default 1000. */
  base?: number;
}

/** Deletes, and tries again while something still holds on to it. */
export async function deleteWithPatience(
  api: Api,
  path: string,
  signal: AbortSignal,
  patience: Patience,
): Promise<void> {
  const attempt = async () => {
    try {
      await api.delete(path, signal);
    } catch (error) {
      if (error instanceof ApiError && patience.gone.includes(error.code)) return;
      throw error;
    }
  };
  await pRetry(attempt, {
    retries: patience.tries - 1,
    factor: 2,
    minTimeout: patience.base ?? 1000,
    maxTimeout: 32_000,
    signal,
    shouldRetry: ({ error }) => !(error instanceof ApiError) || !patience.giveUp(error.code),
  });
}
