import { z } from "zod";
import { type FieldError, invalidInput } from "./errors.ts";
import { labelKeyProblem, labelValueProblem } from "./labels.ts";

/** The request's body, checked; 422 `invalid_input` in the API's form when it does not fit. */
export function validate<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body, { error: message });
  if (result.success) {
    return result.data;
  }
  throw invalidInput(fieldErrors(result.error.issues));
}

function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const messages = new Map<string, string[]>();
  for (const issue of issues) {
    const field = issue.path.join(".") || "body";
    messages.set(field, [...(messages.get(field) ?? []), issue.message]);
  }
  return [...messages].map(([name, texts]) => ({ name, messages: texts }));
}

function message(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : `must be of type ${issue.expected}`;
    case "too_big":
      return issue.origin === "string" || issue.origin === "array"
        ? "is too long"
        : `must be at most ${issue.maximum}`;
    case "too_small":
      return issue.origin === "string" || issue.origin === "array"
        ? "is too short"
        : `must be at least ${issue.minimum}`;
    case "invalid_value":
      return issue.input === undefined ? "is required" : `must be one of ${issue.values.join(", ")}`;
    case "invalid_union":
      return issue.input === undefined ? "is required" : "is of the wrong type";
    default:
      return undefined;
  }
}

/** A map of labels. Null counts as empty, because answers must always carry a map. */
export const labels = z.record(z.string(), z.string()).superRefine((map, context) => {
  for (const [key, value] of Object.entries(map)) {
    for (const problem of [labelKeyProblem(key), labelValueProblem(value)]) {
      if (problem !== undefined) {
        context.addIssue({ code: "custom", message: problem });
      }
    }
  }
});

/** Names of things that are not host names. */
export const freeName = z.string().min(1).max(128);

/** A catalogue entry by id or by name; clients send either. */
export const idOrName = z.union([z.int(), z.string().min(1)]);
