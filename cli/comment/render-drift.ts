import { type DriftedResource, isClean, type StackDrift } from "./drift.ts";
import { block, cell, code, words } from "./markdown.ts";
import { type Heading, logLink, most, shortened } from "./render.ts";

type DriftHeading = Pick<Heading, "project" | "stack" | "log">;

/** The first line of a stack's issue, by which it is found again. */
export const driftMarkOf = ({ project, stack }: Pick<Heading, "project" | "stack">): string =>
  `<!-- berth drift of ${encodeURIComponent(project)}/${encodeURIComponent(stack)} -->`;

/** The title, which stays the same whatever is found. */
export const driftTitleOf = ({ project, stack }: Pick<Heading, "project" | "stack">): string =>
  `Drift of ${project}/${stack}`;

/** A stack's issue, as Markdown. Pure. */
export function renderDrift(heading: DriftHeading, drift: StackDrift): string {
  const { resources, told, errors } = drift;
  const parts = [driftMarkOf(heading), titleOf(heading, drift)];
  if (errors.length > 0) parts.push(block(shortened(errors.join("\n\n"), most / 3)));
  if (resources.length > 0) parts.push(table(resources, most / 3));
  if (told.length > 0) parts.push("**What the look says**", list(told, most / 4));
  parts.push(
    isClean(drift) ? "This issue is closed; what is found later has one of its own." : adviceOn(drift),
  );
  const link = logLink(heading.log);
  if (link !== "") parts.push(`<sub>${link}</sub>`);
  return parts.join("\n\n");
}

function titleOf({ project, stack }: DriftHeading, drift: StackDrift): string {
  const of = code(`${project}/${stack}`);
  const { resources, whole } = drift;
  if (!whole) return `### ❌ ${of} could not be looked at`;
  if (isClean(drift)) return `### ⚪ ${of} is as it was left`;
  const [first] = resources;
  if (!first) return `### 🟡 ${of} needs a look`;
  const gone = resources.filter((one) => one.gone).length;
  const count = resources.length === 1 ? "1 resource is not" : `${resources.length} resources are not`;
  return `### ${gone > 0 ? "🔴" : "🟡"} ${of}: ${count} as the stack left ${resources.length === 1 ? "it" : "them"}`;
}

/** As many rows as `length` characters hold, and how many were left out, in words. */
function fitting(rows: readonly string[], length: number): { shown: string[]; cut: string[] } {
  let used = 0;
  const shown = rows.filter((row) => {
    used += row.length + 1;
    return used <= length;
  });
  const left = rows.length - shown.length;
  return { shown, cut: left > 0 ? ["", `${left} more are too long for an issue; they are in the log.`] : [] };
}

function table(resources: readonly DriftedResource[], length: number): string {
  const { shown, cut } = fitting(resources.map(rowOf), length);
  return ["| host | resource | in the stack → as found |", "| --- | --- | --- |", ...shown, ...cut].join(
    "\n",
  );
}

/** Sentences, which a list breaks into lines and a block would not. */
function list(lines: readonly string[], length: number): string {
  const { shown, cut } = fitting(
    lines.map((line) => `- ${code(shortened(line, 2_000))}`),
    length,
  );
  return [...shown, ...cut].join("\n");
}

const rowOf = ({ host, what, name, gone, differs }: DriftedResource): string =>
  `| ${host === undefined ? "" : cell(host)} | ${words(what, cell)} ${cell(name)} | ${gone ? "🔴 **gone**" : differs.map(cell).join("<br>")} |`;

function adviceOn({ resources, whole }: StackDrift): string {
  if (!whole) return "Until it can be looked at, nobody knows whether it is as it was left.";
  if (resources.length === 0) return "`berth hosts` lists the hosts; `berth ssh HOST` logs in to one.";
  return "`berth up --refresh` puts back what the program wants, after a preview of it. What is meant to stay belongs into the configuration.";
}
