import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { ActionFailed, ApiError, type FailedAction, responseError, unreachable } from "./errors.ts";

/** An answer of the API, read as far as the caller needs it. */
export type Json = { [key: string]: unknown };

/** How the stand-in reaches the API. */
export interface ApiOptions {
  /** Base with the version, e.g. "http://127.0.0.1:4000/v1". */
  endpoint: string;
  token: string;
  /** Milliseconds before the first look at an action. */
  pollInterval: number;
  /** Whether the interval doubles from look to look. */
  pollExponential: boolean;
  userAgent: string;
  /** Milliseconds before the first repeat of a request; doubles. Default 500. */
  retryBase?: number;
}

export interface Action extends FailedAction {
  status: "running" | "success" | "error";
}

/** What hcloud-go repeats at most five times; everything else is an answer. */
const REPEATED_CODES = new Set(["conflict", "rate_limit_exceeded", "bad_gateway", "timeout"]);
const REPEATS = 5;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** The most ids hcloud-go asks for at once. */
const ACTIONS_AT_ONCE = 25;

/** The Hetzner Cloud API as the real provider talks to it: the same requests, repeats and waits. */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Milliseconds before the first of the real provider's own repeats, on top of the client's; doubles. */
  get patience(): number {
    return 2 * (this.#options.retryBase ?? FIRST_PAUSE_MS);
  }

  async get(path: string, signal: AbortSignal): Promise<Json> {
    return await this.#send("GET", path, undefined, signal);
  }

  /** Undefined for an answer of 404 `not_found`. */
  async find(path: string, signal: AbortSignal): Promise<Json | undefined> {
    try {
      return await this.get(path, signal);
    } catch (error) {
      if (error instanceof ApiError && error.code === "not_found") return undefined;
      throw error;
    }
  }

  async post(path: string, body: Json | undefined, signal: AbortSignal): Promise<Json> {
    return await this.#send("POST", path, body, signal);
  }

  async put(path: string, body: Json, signal: AbortSignal): Promise<Json> {
    return await this.#send("PUT", path, body, signal);
  }

  async delete(path: string, signal: AbortSignal): Promise<Json> {
    return await this.#send("DELETE", path, undefined, signal);
  }

  /** Posts an action and waits for it. */
  async act(path: string, body: Json | undefined, signal: AbortSignal): Promise<void> {
    const answer = await this.post(path, body, signal);
    await this.settle(actionsOf(answer), signal);
  }

  /** Waits until the actions have ended; an action that failed is an error. */
  async settle(actions: Action[], signal: AbortSignal): Promise<void> {
    let running = this.#stillRunning(actions);
    for (let look = 0; running.length > 0; look++) {
      const { pollInterval, pollExponential } = this.#options;
      const pause = pollExponential ? Math.min(pollInterval * 2 ** look, LONGEST_PAUSE_MS) : pollInterval;
      await sleep(pause, undefined, { signal }).catch(() => {
        throw signal.reason;
      });
      const seen: Action[] = [];
      for (let from = 0; from < running.length; from += ACTIONS_AT_ONCE)
        seen.push(...(await this.#look(running.slice(from, from + ACTIONS_AT_ONCE), signal)));
      running = this.#stillRunning(seen);
    }
  }

  #stillRunning(actions: Action[]): Action[] {
    for (const action of actions) if (action.status === "error") throw new ActionFailed(action);
    return actions.filter(({ status }) => status === "running");
  }

  async #look(actions: Action[], signal: AbortSignal): Promise<Action[]> {
    const ids = actions.map(({ id }) => `id=${id}`).join("&");
    const answer = await this.get(`/actions?${ids}&page=1&sort=status&sort=id`, signal);
    const seen = (answer.actions as Action[] | undefined) ?? [];
    const missing = actions.filter(({ id }) => !seen.some((other) => other.id === id)).map(({ id }) => id);
    if (missing.length > 0) throw new Error(`actions not found: ${missing.join(", ")}`);
    return seen;
  }

  async #send(method: string, path: string, body: Json | undefined, signal: AbortSignal): Promise<Json> {
    return await pRetry(() => this.#sendOnce(method, path, body, signal), {
      retries: REPEATS,
      factor: 2,
      minTimeout: this.#options.retryBase ?? FIRST_PAUSE_MS,
      maxTimeout: LONGEST_PAUSE_MS,
      randomize: true,
      signal,
      shouldRetry: ({ error }) =>
        error instanceof ApiError && (REPEATED_CODES.has(error.code) || error.bareGateway),
    });
  }

  async #sendOnce(method: string, path: string, body: Json | undefined, signal: AbortSignal): Promise<Json> {
    const url = this.#options.endpoint + path;
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.#options.token}`,
      "user-agent": this.#options.userAgent,
    };
    if (body) headers["content-type"] = "application/json";
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, { method, headers, body: body && JSON.stringify(body), signal });
      text = await response.text();
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(method, url, error);
    }
    if (!response.ok) throw responseError(response, text);
    return text === "" ? {} : (JSON.parse(text) as Json);
  }
}

/** Every action an answer carries, in the order the provider waits for them. */
export function actionsOf(answer: Json): Action[] {
  const single = (answer.action as Action | null | undefined) ?? undefined;
  return [...(single ? [single] : []), ...((answer.actions as Action[] | undefined) ?? [])];
}
