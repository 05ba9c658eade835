import { createHash } from "node:crypto";
import { operations } from "./changes.ts";
import type { Preview } from "./preview.ts";

/**
 * A digest of what an update would do: to which resources, with which inputs, why. Two previews have the same one only if they would do the
 * same; prices, sizes and other words are not in it. Values that are secret, and those that nobody knows yet, are in it as such.
 * @returns 64 hex digits
 */
export function digestOf({ steps }: Preview): string {
  const done = (steps ?? [])
    .filter(({ op }) => operations[op] !== undefined)
    .map(({ op, urn, newState, diffReasons, replaceReasons }) =>
      canonical({
        op: operations[op],
        urn,
        inputs: newState?.inputs ?? null,
        protect: newState?.protect ?? null,
        causes: [...(diffReasons ?? []), ...(replaceReasons ?? [])].sort(),
      }),
    );
  // The engine tells them in another order each time.
  return createHash("sha256").update(done.sort().join("\n")).digest("hex");
}

/** JSON with the keys of every object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
