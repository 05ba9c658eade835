import { isDeepStrictEqual } from "node:util";

/** What to take out and what to put in, so that `has` becomes `wanted`; what changed is taken out and put in anew. */
export function changes<T>(has: T[], wanted: T[]): { out: T[]; in: T[] } {
  const missing = (from: T[]) => (item: T) => !from.some((other) => isDeepStrictEqual(item, other));
  return { out: has.filter(missing(wanted)), in: wanted.filter(missing(has)) };
}
