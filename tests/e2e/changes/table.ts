import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../../lab/setup/places.mjs";
import type { Op, Touch } from "./runs.ts";

/** A row of the table in `docs/changing-what-runs.md`. */
export interface DocumentedChange {
  /** The row's first cell, which names it. */
  change: string;
  /** What preview shows of resources; `*` in a name stands for anything. */
  touches: Pattern[];
  /** What preview says, or the error where it is refused. */
  words: string[];
  happens: string;
  feels: string;
  lost: string;
  /** Without it the change is refused; "" where none is needed. */
  word: string;
}

/** One resource of a row, e.g. `~ web1-hardware-server: serverType`; without properties any may differ. */
export interface Pattern {
  op: Op;
  name: RegExp;
  properties: string[];
  text: string;
}

const file = "docs/changing-what-runs.md";
const columns = [
  "change in the stack file",
  "what preview shows",
  "what happens",
  "what the host feels",
  "what is lost",
  "the word it needs",
];

/** The table of the documentation. Throws where it has another shape. */
export function documentedChanges(): DocumentedChange[] {
  const lines = readFileSync(join(checkout, file), "utf8").split("\n");
  const head = lines.findIndex((line) => cellsOf(line).join("|") === columns.join("|"));
  if (head < 0) throw new Error(`${file} has no table with the columns ${columns.join(", ")}`);
  const end = lines.findIndex((line, at) => at > head && !line.startsWith("|"));
  return lines.slice(head + 2, end).map((line) => {
    const cells = cellsOf(line);
    if (cells.length !== columns.length)
      throw new Error(`${file}: ${cells.length} cells in place of ${columns.length}: ${line}`);
    const [change = "", shows = "", happens = "", feels = "", lost = "", word = ""] = cells;
    const spans = [...shows.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
    return {
      change,
      touches: spans.flatMap((text) => patternOf(text) ?? []),
      words: spans.filter((text) => patternOf(text) === undefined),
      happens,
      feels,
      lost,
      word: word === "none" ? "" : word.replaceAll("`", ""),
    };
  });
}

const cellsOf = (line: string): string[] =>
  line.startsWith("|")
    ? line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim())
    : [];

function patternOf(text: string): Pattern | undefined {
  const [, op, glob = "", properties = ""] = /^(\+-|[+~-]) ([^ :]+)(?:: (.+))?$/.exec(text) ?? [];
  if (op === undefined) return undefined;
  const name = glob
    .split("*")
    .map((part) => part.replaceAll(/[.@]/g, "\\$&"))
    .join(".*");
  return {
    op: op as Op,
    name: new RegExp(`^${name}$`),
    properties: properties === "" ? [] : properties.split(" "),
    text,
  };
}

/** Each thing that a run does: a resource made, deleted or replaced, or a property that changes. */
function deedsOf({ op, name, properties }: Touch): { op: Op; name: string; property?: string }[] {
  return op === "~" && properties.length > 0
    ? properties.map((property) => ({ op, name, property }))
    : [{ op, name }];
}

const covers = (pattern: Pattern, deed: { op: Op; name: string; property?: string }): boolean =>
  pattern.op === deed.op &&
  pattern.name.test(deed.name) &&
  (pattern.properties.length === 0 ||
    deed.property === undefined ||
    pattern.properties.includes(deed.property));

/** What a run does that no row speaks of. */
export const unexplained = (touches: readonly Touch[], patterns: readonly Pattern[]): string[] =>
  touches
    .flatMap(deedsOf)
    .filter((deed) => !patterns.some((pattern) => covers(pattern, deed)))
    .map(({ op, name, property }) => `${op} ${name}${property === undefined ? "" : `: ${property}`}`);

/** What a row speaks of that a run does not do. */
export const missing = (touches: readonly Touch[], patterns: readonly Pattern[]): string[] =>
  patterns
    .filter(
      (pattern) =>
        !touches.some(
          (touch) =>
            pattern.op === touch.op &&
            pattern.name.test(touch.name) &&
            pattern.properties.every((property) => touch.properties.includes(property)),
        ),
    )
    .map(({ text }) => text);
