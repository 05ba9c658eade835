import { isDeepStrictEqual } from "node:util";
import { SIGNATURE } from "./struct.ts";
import type { DiffKind, Properties, Value } from "./types.ts";

/**
 * Every path at which the new inputs differ from the old ones, written as the engine writes paths
 * (`environment.PATH`, `rules[0].port`, `labels["a.b"]`). An unknown new value counts as an update.
 */
export function diffInputs(olds: Properties, news: Properties): Record<string, DiffKind> {
  const found: Record<string, DiffKind> = {};
  diffObjects(olds, news, "", found);
  return found;
}

function diffObjects(
  olds: Properties,
  news: Properties,
  path: string,
  found: Record<string, DiffKind>,
): void {
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    const below = path + segment(key, path === "");
    if (!Object.hasOwn(news, key)) found[below] = "delete";
    else if (!Object.hasOwn(olds, key)) found[below] = "add";
    else diffValues(olds[key], news[key], below, found);
  }
}

function diffValues(old: Value, now: Value, path: string, found: Record<string, DiffKind>): void {
  if (now === undefined) found[path] = "update";
  else if (Array.isArray(old) && Array.isArray(now)) diffArrays(old, now, path, found);
  else if (isObject(old) && isObject(now)) diffObjects(old, now, path, found);
  else if (!isDeepStrictEqual(old, now)) found[path] = "update";
}

function diffArrays(old: Value[], now: Value[], path: string, found: Record<string, DiffKind>): void {
  for (let index = 0; index < Math.max(old.length, now.length); index++) {
    const below = `${path}[${index}]`;
    if (index >= now.length) found[below] = "delete";
    else if (index >= old.length) found[below] = "add";
    else diffValues(old[index], now[index], below, found);
  }
}

/** Assets and their like are one value, whatever they are made of. */
function isObject(value: Value): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(SIGNATURE in value);
}

function segment(key: string, first: boolean): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `[${JSON.stringify(key)}]`;
  return first ? key : `.${key}`;
}

/** The same changes, those under the given top-level properties as replacements. */
export function replacing(
  changes: Record<string, DiffKind>,
  properties: readonly string[],
): Record<string, DiffKind> {
  return Object.fromEntries(
    Object.entries(changes).map(([path, kind]) => [
      path,
      properties.includes(topLevel(path)) && !kind.endsWith("-replace")
        ? (`${kind}-replace` as DiffKind)
        : kind,
    ]),
  );
}

/** The top-level property a path starts with. */
export function topLevel(path: string): string {
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(path);
  if (quoted) return JSON.parse(`"${quoted[1]}"`) as string;
  return /^[^.[]*/.exec(path)?.[0] ?? path;
}
