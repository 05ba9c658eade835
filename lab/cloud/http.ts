import { randomBytes, timingSafeEqual } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { ApiError } from "./errors.ts";
import { answerOf, type Fault, type Faults } from "./faults.ts";
import { linkHeader, type Pagination } from "./query.ts";
import type { RateLimit } from "./rate-limit.ts";
import { reason, type Store } from "./store.ts";
import { validate } from "./validate.ts";

export interface Answer {
  status: 200 | 201 | 204;
  body?: object;
}

/** What a handler sees of a request. */
export interface ApiRequest {
  params: Record<string, string>;
  query: URLSearchParams;
  /** The body against a schema; 400 `json_error` or 422 `invalid_input` when it does not fit. No body counts as `{}`. */
  body<T extends z.ZodType>(schema: T): z.output<T>;
}

export type Handler = (request: ApiRequest) => Answer | Promise<Answer>;

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** A request that was answered. */
export interface RequestRecord {
  method: string;
  /** Path and query, e.g. "/v1/servers?page=1". */
  path: string;
  status: number;
  /** Of a request that was accepted; null without one. */
  body: unknown;
}

export interface ApiOptions {
  token: string;
  /** A token that may only read; none when absent. */
  readonlyToken?: string | undefined;
  store: Store;
  faults: Faults;
  rateLimit: RateLimit;
  onRequest?: (record: RequestRecord) => void;
  log: (line: string) => void;
}

type Env = { Bindings: HttpBindings };

const base = "/v1";

/** The routes of the API, with what every answer has in common: token, headers, error bodies, faults. */
export class Api {
  readonly #app = new Hono<Env>();
  readonly #options: ApiOptions;
  readonly #methods = new Map<string, Method[]>();

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  get(path: string, handler: Handler): void {
    this.#on("GET", base + path, handler);
  }

  post(path: string, handler: Handler): void {
    this.#on("POST", base + path, handler);
  }

  put(path: string, handler: Handler): void {
    this.#on("PUT", base + path, handler);
  }

  delete(path: string, handler: Handler): void {
    this.#on("DELETE", base + path, handler);
  }

  /** A route of the lab's own, below /lab: what Hetzner has no API for. */
  lab(method: Method, path: string, handler: Handler): void {
    this.#on(method, `/lab${path}`, handler);
  }

  /** The finished application; no route can be added after. */
  finish(): Hono<Env> {
    for (const [path, methods] of this.#methods) {
      this.#app.all(path, (c) =>
        this.#answer(c, () => {
          c.header("Allow", methods.join(", "));
          throw new ApiError("method_not_allowed", "method not allowed");
        }),
      );
    }
    this.#app.notFound((c) => this.#send(c, new ApiError("not_found", "api route not found")));
    return this.#app;
  }

  #on(method: Method, path: string, handler: Handler): void {
    this.#methods.set(path, [...(this.#methods.get(path) ?? []), method]);
    this.#app.on(method, path, (c) => this.#answer(c, handler));
  }

  async #answer(c: Context<Env>, handler: Handler): Promise<Response> {
    try {
      this.#authorize(c);
      const text = await c.req.text();
      const limited = this.#options.rateLimit.take();
      const fault = this.#fault(c);
      const interrupted = fault?.when === "before" && (await this.#suffer(c, fault));
      if (interrupted) {
        return interrupted;
      }
      if (limited) {
        throw new ApiError(
          "rate_limit_exceeded",
          `limit of ${this.#options.rateLimit.limit} requests per hour reached`,
        );
      }
      const answer = await handler({
        params: c.req.param() as Record<string, string>,
        query: new URL(c.req.url).searchParams,
        body: (schema) => validate(schema, parse(text)),
      });
      this.#options.store.flush();
      const lost = fault?.when === "after" && (await this.#suffer(c, fault, text));
      return lost || this.#send(c, answer, text);
    } catch (error) {
      this.#options.store.tryFlush();
      return this.#send(c, error);
    }
  }

  #authorize(c: Context<Env>): void {
    const header = c.req.header("authorization");
    if (header === undefined) {
      throw new ApiError("unauthorized", "token is required");
    }
    const given = /^Bearer\s+(.*)$/i.exec(header)?.[1] ?? "";
    if (same(given, this.#options.token)) {
      return;
    }
    if (this.#options.readonlyToken === undefined || !same(given, this.#options.readonlyToken)) {
      throw new ApiError("unauthorized", "the token you have provided is invalid");
    }
    if (c.req.method !== "GET") {
      throw new ApiError("token_readonly", "token is only allowed to perform GET requests");
    }
  }

  #fault(c: Context<Env>): Fault | undefined {
    const { pathname } = new URL(c.req.url);
    return pathname.startsWith(base)
      ? this.#options.faults.takeForRequest(c.req.method, pathname.slice(base.length))
      : undefined;
  }

  /** The answer a fault puts in place of the real one; undefined when it only delays. */
  async #suffer(c: Context<Env>, hit: Fault, requestBody = ""): Promise<Response | undefined> {
    await new Promise((resolve) => setTimeout(resolve, hit.delay));
    if (hit.instead === "drop") {
      c.env.incoming.socket.destroy();
      return new Response(null, { status: 500 });
    }
    const answer = answerOf(hit);
    if (answer === undefined) {
      return undefined;
    }
    const { status, body } = answer;
    if (body === null) {
      this.#record(c, status, requestBody);
      return c.html(`<html><body><h1>${status}</h1></body></html>`, status as ContentfulStatusCode);
    }
    return this.#send(c, { status, body }, requestBody);
  }

  #send(c: Context<Env>, outcome: Answer | unknown, requestBody = ""): Response {
    const url = new URL(c.req.url);
    const answer = isAnswer(outcome) ? outcome : this.#failure(outcome);
    this.#record(c, answer.status, requestBody);
    c.header("X-Correlation-Id", randomBytes(8).toString("hex"));
    for (const [name, value] of Object.entries(this.#options.rateLimit.headers())) {
      c.header(name, value);
    }
    const pagination = paginationOf(answer.body);
    if (pagination !== undefined) {
      c.header("Link", linkHeader(url, pagination));
    }
    return answer.body === undefined
      ? c.body(null, 204)
      : c.json(answer.body, answer.status as ContentfulStatusCode);
  }

  #record(c: Context<Env>, status: number, body: string): void {
    const { pathname, search } = new URL(c.req.url);
    this.#options.onRequest?.({
      method: c.req.method,
      path: pathname + search,
      status,
      body: body === "" ? null : parse(body),
    });
  }

  #failure(error: unknown): { status: number; body: object } {
    const known = error instanceof ApiError ? error : new ApiError("server_error", "internal server error");
    if (known !== error) {
      this.#options.log(
        `cloud: a request failed unexpectedly: ${error instanceof Error ? error.stack : reason(error)}`,
      );
    }
    return { status: known.status, body: known.body };
  }
}

function same(given: string, wanted: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function isAnswer(outcome: unknown): outcome is Answer {
  return (
    typeof outcome === "object" && outcome !== null && !(outcome instanceof Error) && "status" in outcome
  );
}

function parse(text: string): unknown {
  if (text === "") {
    return {};
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError("json_error", "invalid json input");
  }
}

function paginationOf(body: object | undefined): Pagination | undefined {
  return (body as { meta?: { pagination?: Pagination } } | undefined)?.meta?.pagination;
}
