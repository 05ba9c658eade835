import { z } from "zod";
import { ApiError, type ErrorCode, isErrorCode } from "./errors.ts";

/**
 * Faults on demand, ordered by `POST /lab/faults`. Each hits the next matching requests, then is gone.
 * A request fault answers with an API error, any bare status, a dropped connection or just late.
 * An action fault lets the request pass and makes its action slow, or end in `error`.
 */
export const fault = z
  .strictObject({
    /** How many requests or actions it hits. */
    times: z.int().min(1).default(1),
    /** How many matching ones pass before it hits. */
    skip: z.int().min(0).default(0),
    /** HTTP method it waits for; any when absent. */
    method: z.enum(["GET", "POST", "PUT", "DELETE"]).optional(),
    /** Path below /v1 it waits for: a regular expression that must match all of it, e.g. "/servers/\\d+/actions/poweron". */
    path: z.string().optional(),
    /** Command of the action it waits for, e.g. "create_server". */
    command: z.string().optional(),
    /** Hits before anything is done, or after it was done: the answer is lost, the deed is not. */
    when: z.enum(["before", "after"]).default("before"),
    /** API error code, e.g. "rate_limit_exceeded", "locked"; any code for an action, or beside a status. */
    code: z.string().min(1).optional(),
    message: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    /** HTTP status to answer with; without a code there is a page in place of JSON, as from a gateway. */
    status: z.int().min(400).max(599).optional(),
    /** What the request meets instead of an API error: a gateway's page without JSON, or a closed connection. */
    instead: z.enum(["bad_gateway", "drop"]).optional(),
    /** Milliseconds the answer is held back, with or without an error. */
    delay: z.int().min(0).max(600_000).default(0),
  })
  .superRefine((value, context) => {
    const wrong = (message: string, ...path: string[]) => context.addIssue({ code: "custom", message, path });
    if ((value.command === undefined) === (value.path === undefined)) {
      wrong("give either `path` (a request fault) or `command` (an action fault)");
    }
    if (value.command !== undefined) {
      for (const name of ["method", "status", "instead", "details"] as const) {
        if (value[name] !== undefined) wrong("is for request faults only", name);
      }
    } else if (value.code !== undefined && value.status === undefined && !isErrorCode(value.code)) {
      wrong("is not an error code of the API; give a `status` beside it", "code");
    }
    if (value.path !== undefined && !isRegExp(value.path)) {
      wrong("is not a regular expression", "path");
    }
  });

export type Fault = z.infer<typeof fault>;

export class Faults {
  #pending: Fault[] = [];

  /** @throws ZodError for a fault that could never hit */
  add(ordered: z.input<typeof fault>): void {
    this.#pending.push(fault.parse(ordered));
  }

  get pending(): readonly Fault[] {
    return this.#pending;
  }

  clear(): void {
    this.#pending = [];
  }

  takeForRequest(method: string, path: string): Fault | undefined {
    return this.#take(
      (candidate) =>
        candidate.command === undefined &&
        (candidate.method === undefined || candidate.method === method) &&
        new RegExp(`^(?:${candidate.path})$`).test(path),
    );
  }

  takeForAction(command: string): Fault | undefined {
    return this.#take((candidate) => candidate.command === command);
  }

  #take(fits: (candidate: Fault) => boolean): Fault | undefined {
    const fitting = this.#pending.filter(fits);
    const hit = fitting.find(({ skip }) => skip === 0);
    for (const waiting of fitting.filter((candidate) => candidate !== hit && candidate.skip > 0)) {
      waiting.skip--;
    }
    if (hit !== undefined) {
      hit.times--;
      this.#pending = this.#pending.filter((candidate) => candidate.times > 0);
    }
    return hit;
  }
}

/** What a request fault answers with: an API error, or a page when `body` is null. Undefined when it only delays. */
export function answerOf(hit: Fault): { status: number; body: object | null } | undefined {
  const { code, status } = hit;
  if (hit.instead === "bad_gateway") {
    return { status: 502, body: null };
  }
  if (code === undefined) {
    return status === undefined ? undefined : { status, body: null };
  }
  const message = hit.message ?? usualMessage(code);
  const details = hit.details ?? usualDetails(code);
  const known = isErrorCode(code) ? new ApiError(code as ErrorCode, message, details) : undefined;
  return { status: status ?? known?.status ?? 500, body: { error: { code, message, details } } };
}

function usualMessage(code: string): string {
  const usual: Record<string, string> = {
    unauthorized: "the token you have provided is invalid",
    token_readonly: "token is only allowed to perform GET requests",
    forbidden: "insufficient permissions for this request",
    maintenance: "cannot perform operation due to maintenance",
    rate_limit_exceeded: "limit of 3600 requests per hour reached",
    locked: "cannot perform operation because server is locked",
    resource_unavailable: "error during placement",
    placement_error: "error during placement",
    conflict: "the resource has changed during the request, please retry",
    uniqueness_error: "name is already used",
    resource_limit_exceeded: "server limit reached",
  };
  return usual[code] ?? code.replaceAll("_", " ");
}

function usualDetails(code: string): object | null {
  const usual: Record<string, object> = {
    invalid_input: { fields: [] },
    uniqueness_error: { fields: [{ name: "name" }] },
    resource_limit_exceeded: { limits: [{ name: "server_limit" }] },
    deprecated_api_endpoint: { announcement: "https://docs.hetzner.cloud/changelog" },
  };
  return usual[code] ?? null;
}

function isRegExp(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
