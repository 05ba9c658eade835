import { z } from "zod";
import { type Clock, realClock } from "../clock.ts";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { type Answer, isPassing, mayBeDone, NoAnswer, Passing, repeat, send } from "../requests.ts";
import { Pace, type Rate } from "./pace.ts";

export const flyEndpoint = "https://api.machines.dev/v1";
/** Fly's own registry, which the token of an app's machines opens. */
export const flyRegistry = "registry.fly.io";

export interface FlyOptions {
  /** Goes into a header alone. */
  token: string;
  /** Where the token is from, for messages, e.g. "fly:token". */
  tokenFrom: string;
  /** With the version. @default Fly's own */
  endpoint?: string;
  /** Ends everything that still runs; its reason is what people are told. */
  signal?: AbortSignal;
  /** @default the machine's own */
  clock?: Clock;
  /** Told to people while they wait. */
  say?: (line: string) => void;
  /** Milliseconds in which a request that fails for no fault of its own is sent again. @default 60 s */
  patience?: number;
}

/** A request of the API. */
export interface Asked<T> {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below /v1, e.g. "/apps/shop". */
  path: string;
  /** What is tried, for people, e.g. "update the machine 148e… of shop". */
  tried: string;
  schema: z.ZodType<T>;
  body?: object;
  headers?: Record<string, string>;
  /** How often Fly lets it be asked, and of whom. */
  rate?: Rate;
  /** Milliseconds for one attempt. @default 30 s */
  deadline?: number;
  /**
   * Whether the request may have been carried out although its answer was lost: looked up before it is sent again. What it finds is the
   * answer; undefined means that nothing was done. @default the request may be repeated as it is
   */
  find?: () => Promise<T | undefined>;
  /** Statuses that are for the asker to judge, however passing. */
  once?: readonly number[];
}

/** An answer that is no success, in words. `status` is 0 where there was no answer. */
export class FlyFailure extends Failure {
  readonly status: number;
  /** Fly's own name of what is wrong, e.g. "insufficient_capacity"; "" without one. */
  readonly code: string;

  constructor(parts: ConstructorParameters<typeof Failure>[0] & { status: number; code: string }) {
    super(parts);
    this.status = parts.status;
    this.code = parts.code;
  }
}

const errorBody = z.looseObject({
  error: z.string().optional(),
  message: z.string().optional(),
  status: z.union([z.string(), z.number()]).optional(),
});

/** One account of Fly's machines API. */
export class FlyHttp {
  readonly clock: Clock;
  readonly #options: FlyOptions;
  readonly #endpoint: string;
  readonly #pace: Pace;

  constructor(options: FlyOptions) {
    this.#options = options;
    this.clock = options.clock ?? realClock;
    this.#endpoint = (options.endpoint ?? flyEndpoint).replace(/\/+$/, "");
    this.#pace = new Pace(this.clock);
  }

  /** One answer against its schema. Throws FlyFailure. */
  async ask<T>(asked: Asked<T>): Promise<T> {
    const { signal, patience, say } = this.#options;
    return await repeat(
      async (before) => {
        const found = before && mayBeDone(before.status) ? await asked.find?.() : undefined;
        return found ?? (await this.#once(asked));
      },
      {
        patience,
        signal,
        clock: this.clock,
        onWait: (wait, { status }) => {
          if (status === 429) say?.(`Fly has had too many requests: waiting ${seconds(wait)} s`);
        },
      },
    );
  }

  async #once<T>(asked: Asked<T>): Promise<T> {
    const { response, text } = await this.#send(asked);
    if (response.ok) return this.#parse(asked, text);
    const { said, code } = wordsOf(text, response.statusText);
    const { status, headers } = response;
    const id = headers.get("fly-request-id");
    const cameBack = `it answered ${status}${said && `: ${said}`}${id ? ` (request ${id})` : ""}`;
    const failure = this.#failure(asked, cameBack, status, code);
    throw isPassing(status) && !asked.once?.includes(status)
      ? new Passing(failure, status, headers)
      : failure;
  }

  async #send(asked: Asked<unknown>): Promise<Answer> {
    const { signal, token } = this.#options;
    const { method, path, body, deadline = 30_000, rate } = asked;
    if (rate) await this.#pace.wait(rate, signal);
    const headers = {
      authorization: `Bearer ${token}`,
      "user-agent": "berth",
      ...(body && { "content-type": "application/json" }),
      ...asked.headers,
    };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    try {
      return await send(`${this.#endpoint}${path}`, init, { deadline, signal });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const failure = this.#failure(asked, error.message, 0, "");
      throw asked.once?.includes(0) ? failure : new Passing(failure, 0);
    }
  }

  #parse<T>(asked: Asked<T>, text: string): T {
    const parsed = asked.schema.safeParse(text === "" ? {} : jsonOrUndefined(text));
    if (parsed.success) return parsed.data;
    const issues = parsed.error.issues
      .slice(0, 3)
      .map(({ path, message }) => `${path.join(".") || "the answer"}: ${message}`);
    throw this.#failure(asked, `an answer of another shape: ${issues.join("; ")}`, 200, "");
  }

  #failure(
    { tried }: Pick<Asked<unknown>, "tried">,
    cameBack: string,
    status: number,
    code: string,
  ): FlyFailure {
    return new FlyFailure({ tried, cameBack, status, code, next: this.#next(status, code) });
  }

  #next(status: number, code: string): string {
    if (code === "insufficient_capacity")
      return "choose another region, or a smaller machine, and run this again";
    if (code === "name_taken")
      return "choose another name: an app's name is unique in all of Fly, and an app that you cannot see may have it";
    if (status === 401)
      return `check the token of ${this.#options.tokenFrom}; fly tokens create org makes one`;
    if (status === 403)
      return `check the app's name and organisation: it is another organisation's, or the token of ${this.#options.tokenFrom} may not change it`;
    if (status === 0) return `check the network and ${this.#endpoint}, and run this again`;
    if (status === 429) return "run this again in some minutes";
    if (status >= 500 || status === 408) return "Fly tells of outages at status.flyio.net; run this again";
    return "correct what Fly says is wrong, and run this again";
  }
}

/** What an error says, and its code; a page of a gateway is cut to its first line. */
function wordsOf(text: string, statusText: string): { said: string; code: string } {
  const parsed = errorBody.safeParse(jsonOrUndefined(text));
  if (!parsed.success) return { said: text.trim().split("\n", 1)[0]?.slice(0, 200) || statusText, code: "" };
  const { error, message, status } = parsed.data;
  return { said: message || error || statusText, code: typeof status === "string" ? status : "" };
}

const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1000);
