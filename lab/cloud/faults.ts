import { z } from "zod";
import { ApiError, type ErrorCode, isErrorCode } from "./errors.ts";

/**
 * Faults on demand, ordered by `POST /lab/faults`. Each hits the next matching requests, then is gone.
 * A request fault answers with an API error, a bare gateway error, a dropped connection or just late.
 * An action fault lets the request pass and makes its action end in `error`.
 */
export const fault = z
  .strictObject({
    /** How many requests or actions it hits. */
    times: z.int().min(1).default(1),
    /** HTTP method it waits for; any when absent. */
    method: z.enum(["GET", "POST", "PUT", "DELETE"]).optional(),
    /** Path below /v1 it waits for: a regular expression that must match all of it, e.g. "/servers/\\d+/actions/poweron". */
    path: z.string().optional(),
    /** Command of the action it waits for, e.g. "create_server". */
    command: z.string().optional(),
    /** API error code, e.g. "rate_limit_exceeded", "locked"; for an action any code. */
    code: z.string().optional(),
    message: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    /** What the request meets instead of an API error: a gateway's page without JSON, or a closed connection. */
    instead: z.enum(["bad_gateway", "drop"]).optional(),
    /** Milliseconds the answer is held back, with or without an error. */
    delay: z.int().min(0).max(600_000).default(0),
  })
  .superRefine((value, context) => {
    if (value.command === undefined && value.path === undefined) {
      context.addIssue({
        code: "custom",
        message: "give `path` (a request fault) or `command` (an action fault)",
      });
    }
    if (value.command === undefined && value.code !== undefined && !isErrorCode(value.code)) {
      context.addIssue({ code: "custom", path: ["code"], message: "is not an error code of the API" });
    }
    if (value.path !== undefined && !isRegExp(value.path)) {
      context.addIssue({ code: "custom", path: ["path"], message: "is not a regular expression" });
    }
  });

export type Fault = z.infer<typeof fault>;

export class Faults {
  #pending: Fault[] = [];

  add(ordered: Fault): void {
    this.#pending.push({ ...ordered });
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
    const hit = this.#pending.find(fits);
    if (hit !== undefined) {
      hit.times--;
      this.#pending = this.#pending.filter((candidate) => candidate.times > 0);
    }
    return hit;
  }
}

/** The error a request fault answers with; undefined when it only delays. */
export function errorOf(hit: Fault): ApiError | undefined {
  if (hit.code === undefined) {
    return undefined;
  }
  return new ApiError(
    hit.code as ErrorCode,
    hit.message ?? usualMessage(hit.code),
    hit.details ?? usualDetails(hit.code),
  );
}

function usualMessage(code: string): string {
  const usual: Record<string, string> = {
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
  return code === "invalid_input" ? { fields: [] } : null;
}

function isRegExp(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
