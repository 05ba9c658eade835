import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { NoAnswer, send } from "../requests.ts";
import { rateLimitWait } from "./rate-limit.ts";
import { getToken } from "./token.ts";

export const defaultEndpoint = "https://api.hetzner.cloud/v1";

export interface ApiOptions {
  token: string;
  /** Where the token is from, e.g. "hcloud:token". */
  tokenFrom: string;
  /** With the version, e.g. "https://api.hetzner.cloud/v1". */
  endpoint: string;
  /** Ends everything that still runs; its reason is what people are told. */
  signal: AbortSignal;
  /** When everything has to be done, in milliseconds since 1970. */
  until: number;
  /** Told to people while they wait. */
  say: (line: string) => void;
  /** Where things stand when a request fails. @default "Nothing was created or changed." */
  stands?: string;
}

/** Of a request that may go better a moment later. */
const transient = new Set([500, 502, 503, 504]);
const retries = 3;
const perRequest = 15_000;

const errorBody = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const serverBody = z.object({ server: z.object({ status: z.string() }) });
const page = z.object({
  meta: z.object({ pagination: z.object({ next_page: z.int().nullable() }) }).optional(),
});

/** An answer that is no success. */
class Refused extends Error {
  readonly status: number;
  /** Hetzner's name of what is wrong; "" in an answer that is not Hetzner's. */
  readonly code: string;
  readonly headers: Headers;

  constructor(response: Response, body: string) {
    const parsed = errorBody.safeParse(jsonOrUndefined(body));
    const { code, message } = parsed.success ? parsed.data.error : { code: "", message: response.statusText };
    super(code === "" ? `${response.status} ${message}`.trim() : `${response.status} ${code}: ${message}`);
    this.status = response.status;
    this.code = code;
    this.headers = response.headers;
  }
}

/** Hetzner's API, as far as Berth asks it itself. Errors are Failures that say what to do. */
export class HetznerApi {
  readonly #options: ApiOptions;
  #saidUntil = 0;

  constructor(options: ApiOptions) {
    this.#options = { ...options, endpoint: options.endpoint.replace(/\/+$/, "") };
  }

  /** One answer, against its schema. */
  async get<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>> {
    const text = await this.#ask("GET", path);
    const parsed = schema.safeParse(jsonOrUndefined(text));
    if (parsed.success) return parsed.data;
    const issues = parsed.error.issues
      .slice(0, 3)
      .map((issue) => `${issue.path.join(".") || "the answer"}: ${issue.message}`);
    throw this.#failure(
      "GET",
      path,
      `an answer of another shape: ${issues.join("; ")}`,
      "check hcloud:endpoint, or update Berth",
    );
  }

  /** A whole list, page after page. */
  async list<T extends z.ZodType>(path: string, key: string, entry: T): Promise<z.output<T>[]> {
    const schema = z.intersection(page, z.object({ [key]: z.array(entry) }));
    const all: z.output<T>[] = [];
    const join = path.includes("?") ? "&" : "?";
    let next: number | null = 1;
    while (next !== null) {
      const answer: z.output<typeof schema> = await this.get(
        `${path}${join}page=${next}&per_page=50`,
        schema,
      );
      all.push(...(answer[key] as z.output<T>[]));
      next = answer.meta?.pagination.next_page ?? null;
    }
    return all;
  }

  /** Whether the token may only read: an order of nothing is refused as incomplete by one that may write. */
  async readOnly(): Promise<boolean> {
    const path = "/ssh_keys";
    try {
      await this.#send("POST", path, "{}");
    } catch (error) {
      if (error instanceof Refused && error.code === "token_readonly") return true;
      if (error instanceof Refused && (error.status === 422 || error.status === 400)) return false;
      throw this.#explain("POST", path, error);
    }
    throw this.#failure("POST", path, "an empty ssh key was accepted", "check hcloud:endpoint");
  }

  /** A server's status, e.g. "running"; undefined when there is no such server. */
  async serverStatus(id: number): Promise<string | undefined> {
    const path = `/servers/${id}`;
    try {
      return serverBody.parse(jsonOrUndefined(await this.#send("GET", path))).server.status;
    } catch (error) {
      if (error instanceof Refused && error.code === "not_found") return undefined;
      throw this.#explain("GET", path, error);
    }
  }

  /** Orders power for a server; "locked" while another action of it runs. */
  async powerOn(id: number): Promise<"ordered" | "locked"> {
    const answer = await this.change("POST", `/servers/${id}/actions/poweron`, {}, z.object({}));
    return answer === "locked" ? "locked" : "ordered";
  }

  /**
   * Asks for a change; its answer against a schema, or "locked" while another action of the same resource runs.
   * @param once not repeated where it may have been done already
   */
  async change<T extends z.ZodType>(
    method: "POST" | "PUT",
    path: string,
    body: object,
    schema: T,
    once = false,
  ): Promise<z.output<T> | "locked"> {
    try {
      return schema.parse(jsonOrUndefined(await this.#send(method, path, JSON.stringify(body), once)));
    } catch (error) {
      if (error instanceof Refused && (error.code === "locked" || error.code === "conflict")) return "locked";
      throw this.#explain(method, path, error, once ? 1 : undefined);
    }
  }

  async #ask(method: string, path: string): Promise<string> {
    try {
      return await this.#send(method, path);
    } catch (error) {
      throw this.#explain(method, path, error);
    }
  }

  #send(method: string, path: string, body?: string, once = false): Promise<string> {
    const { signal } = this.#options;
    return pRetry(() => this.#once(method, path, body), {
      retries,
      minTimeout: 500,
      signal,
      shouldConsumeRetry: ({ error }) => !isRateLimit(error),
      shouldRetry: ({ error }) => isRateLimit(error) || (!once && isTransient(error)),
      onFailedAttempt: async ({ error }) => {
        if (isRateLimit(error)) await this.#waitFor(error);
      },
    });
  }

  async #once(method: string, path: string, body?: string): Promise<string> {
    const { endpoint, token, signal } = this.#options;
    const headers = {
      authorization: `Bearer ${token}`,
      "user-agent": "berth",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    const { response, text } = await send(`${endpoint}${path}`, init, { deadline: perRequest, signal });
    if (!response.ok) throw new Refused(response, text);
    return text;
  }

  async #waitFor(error: Refused): Promise<void> {
    const { signal, until, say } = this.#options;
    const now = Date.now();
    const wait = rateLimitWait(error.headers, now);
    if (now + wait >= until) {
      const back = new Date(now + wait).toISOString();
      throw new Failure({
        tried: `ask Hetzner's API (${this.#options.endpoint})`,
        cameBack: `too many requests with this project's tokens (${error.message}); there is room again at ${back}, which is longer than Berth waits`,
        stands: this.#stands,
        next: `run this again after ${back}`,
      });
    }
    // All requests under way are told the same; people once.
    if (now + wait > this.#saidUntil + 1000) {
      this.#saidUntil = now + wait;
      say(
        `Hetzner's API has had too many requests of this project's tokens: waiting ${Math.ceil(wait / 1000)} s`,
      );
    }
    await sleep(wait, undefined, { signal });
  }

  #explain(method: string, path: string, error: unknown, attempts = retries + 1): unknown {
    const { signal, tokenFrom } = this.#options;
    if (error instanceof Failure) return error;
    if (signal.aborted) return signal.reason;
    if (error instanceof NoAnswer)
      return this.#failure(
        method,
        path,
        error.message,
        "check the network and hcloud:endpoint, and run this again",
      );
    if (!(error instanceof Refused)) return error;
    if (error.status === 401)
      return this.#failure(method, path, `the token of ${tokenFrom} is refused (${error.message})`, getToken);
    if (error.status >= 500)
      return this.#failure(
        method,
        path,
        attempts === 1 ? error.message : `${error.message}, ${attempts} times`,
        "Hetzner tells of outages at status.hetzner.com; run this again when the API answers",
      );
    return this.#failure(method, path, error.message, "check the token's project and hcloud:endpoint");
  }

  #failure(method: string, path: string, cameBack: string, next: string): Failure {
    return new Failure({
      tried: `ask Hetzner's API (${method} ${this.#options.endpoint}${path})`,
      cameBack,
      stands: this.#stands,
      next,
    });
  }

  get #stands(): string {
    return this.#options.stands ?? "Nothing was created or changed.";
  }
}

const isTransient = (error: unknown): boolean =>
  error instanceof NoAnswer || (error instanceof Refused && transient.has(error.status));

const isRateLimit = (error: unknown): error is Refused =>
  error instanceof Refused && (error.status === 429 || error.code === "rate_limit_exceeded");
