import type { ChangedResource, Doing, HostChange, StackChanges } from "./changes.ts";
import { block, cell, code, folded, htmlCode, words } from "./markdown.ts";

export interface Heading {
  project: string;
  stack: string;
  /** What was previewed, e.g. a commit; left out when absent. */
  commit?: string | undefined;
  /** Where the whole log is. */
  log?: string | undefined;
  /** Digest of the changes, by which they are known again when the commit is deployed. */
  digest?: string | undefined;
}

/** Characters of a comment: GitHub takes 65,536, GitLab more. */
export const most = 60_000;

/** How it is told at a glance. */
const signs: Readonly<Record<Doing, readonly [colour: string, words: string]>> = {
  DELETE: ["🔴", "**DELETE**: the server and what is on its disk"],
  REINSTALL: ["🔴", "**REINSTALL: disk wiped**"],
  REPLACE: ["🔴", "**REPLACE**: another server, the disk is lost"],
  INSTALL: ["🟢", "**INSTALL**"],
  "power off and on": ["🟠", "powered off and on"],
  reboot: ["🟠", "reboot"],
  switch: ["🟡", "switch"],
  change: ["🟡", "change around it"],
  nothing: ["⚪", "nothing"],
};

/** The first line of a stack's comment, by which it is found again. */
export const markOf = ({ project, stack }: Pick<Heading, "project" | "stack">): string =>
  `<!-- berth preview of ${encodeURIComponent(project)}/${encodeURIComponent(stack)} -->`;

/** What stands below that of a preview that did not fail: what was previewed, for programs. */
const reviewedLine = ({ commit, digest }: Heading): string[] =>
  commit !== undefined && /^[0-9a-f]{40,64}$/.test(commit) && digest !== undefined
    ? [`<!-- commit ${commit} changes ${digest} -->`]
    : [];

/** The commit that a comment is about and the digest of its changes; undefined of a comment on a preview that failed. */
export function reviewedIn(body: string): { commit: string; digest: string } | undefined {
  const [, line = ""] = body.replaceAll("\r\n", "\n").split("\n", 2);
  const [, commit, digest] = /^<!-- commit ([0-9a-f]{40,64}) changes ([0-9a-f]{64}) -->$/.exec(line) ?? [];
  return commit === undefined || digest === undefined ? undefined : { commit, digest };
}

/** A stack's comment, as Markdown. What does not fit is folded away, the least grave first, and that is said. Pure. */
export function render(heading: Heading, changes: StackChanges): string {
  const mark = [markOf(heading), ...(changes.whole ? reviewedLine(heading) : [])].join("\n");
  const top = [mark, titleOf(heading, changes), ...banner(changes)];
  if (!changes.whole) {
    const why = shortened(changes.errors.join("\n\n"), most / 2);
    const link = logLink(heading.log);
    return [...top, block(why), ...(link === "" ? [] : [`<sub>${link}</sub>`])].join("\n\n");
  }
  const prices = changes.told.filter((line) => line.startsWith("Total: "));
  const rest = changes.told.filter((line) => !prices.includes(line));
  const foot = [
    ...prices.map(code),
    ...(rest.length > 0
      ? [folded("What the preview says beside that", block(shortened(rest.join("\n"), 10_000)))]
      : []),
    footer(heading),
  ];
  const length = (parts: readonly string[]) => parts.reduce((sum, part) => sum + part.length + 2, 0);
  const body: string[] = [];
  let left = most - length(top) - length(foot) - 200;
  let out = 0;
  for (const part of [
    hostTable(changes.hosts),
    otherTable(changes.others),
    ...changes.hosts.flatMap(details),
  ]) {
    if (part === "") continue;
    if (part.length + 2 > left) {
      out += 1;
      continue;
    }
    body.push(part);
    left -= part.length + 2;
  }
  const cut = out > 0 ? [`${out} parts are too long for a comment; they are in the log.`] : [];
  return [...top, ...body, ...cut, ...foot].join("\n\n");
}

function titleOf({ project, stack, commit }: Heading, { hosts, others, whole }: StackChanges): string {
  const of = `${code(`${project}/${stack}`)}${commit === undefined ? "" : ` at ${code(commit.slice(0, 12))}`}`;
  if (!whole) return `### ❌ ${of}: the preview failed`;
  const busy = hosts.filter(({ doings }) => doings[0] !== "nothing").length;
  if (busy + others.length === 0) return `### ⚪ ${of}: nothing changes`;
  const parts = [
    ...(busy > 0 ? [`${busy} of ${hosts.length} ${hosts.length === 1 ? "host" : "hosts"}`] : []),
    ...(others.length > 0
      ? [`${others.length} other ${others.length === 1 ? "resource" : "resources"}`]
      : []),
  ];
  return `### ${busy > 0 ? signs[gravest(hosts)][0] : "🟡"} ${of}: ${parts.join(" and ")} would change`;
}

const gravest = (hosts: readonly HostChange[]): Doing => hosts[0]?.doings[0] ?? "nothing";

/** What is gone for good after the update, in red. */
function banner({ hosts, others }: StackChanges): string[] {
  const wiped = hosts.flatMap(({ host, doings }) =>
    doings.includes("REINSTALL") ? [`the disk of ${code(host)}, by the word to reinstall`] : [],
  );
  const lost = [...hosts.flatMap(({ steps }) => steps), ...others].filter(
    ({ loses, what }) => loses && what !== "installation",
  );
  const lines = [
    ...wiped,
    ...lost.map(({ op, what, name }) => `${words(what, code)} ${code(name)} is ${op}d`),
  ];
  if (lines.length === 0) return [];
  const shown = lines.length > 20 ? [...lines.slice(0, 20), `${lines.length - 20} more`] : lines;
  return [
    `> [!CAUTION]\n> **This deletes.** What is in it is lost:\n${shown.map((line) => `> - ${line}`).join("\n")}`,
  ];
}

function hostTable(hosts: readonly HostChange[]): string {
  if (hosts.length === 0) return "";
  const rows = hosts.map(({ host, doings, told }) => {
    const [first = "nothing"] = doings;
    const all = doings.map((doing) => signs[doing][1]).join(" + ");
    return `| ${cell(host)} | ${signs[first][0]} ${all} | ${told.map(cell).join("<br>")} |`;
  });
  return ["| host | what happens | in detail |", "| --- | --- | --- |", ...rows].join("\n");
}

function otherTable(others: readonly ChangedResource[]): string {
  return others.length === 0 ? "" : `**Beside the hosts**\n\n${resourceTable(others)}`;
}

/** Without a column for causes where none of them has one. */
function resourceTable(resources: readonly ChangedResource[]): string {
  const why = resources.some(({ causes }) => causes.length > 0);
  return [
    why ? "| | resource | why |" : "| | resource |",
    why ? "| --- | --- | --- |" : "| --- | --- |",
    ...resources.map(
      ({ op, what, name, causes }) =>
        `| ${op} | ${words(what, cell)} ${cell(name)} |${why ? ` ${causes.map(cell).join("<br>")} |` : ""}`,
    ),
  ].join("\n");
}

/** One host, unfolded by a click: every resource with its cause, and what its release has to pass. */
function details({ host, doings, steps, health }: HostChange): string[] {
  if (steps.length === 0) return [];
  const title = `${htmlCode(host)}: ${steps.length} ${steps.length === 1 ? "resource" : "resources"}`;
  const checks = doings.includes("DELETE") ? [] : [checksOf(health)];
  return [folded(title, [resourceTable(steps), ...checks].join("\n\n"))];
}

const checksOf = (health: readonly string[]): string =>
  health.length === 0
    ? "No health check: a release is kept if its units start."
    : `Its release has to pass:\n${health.map((check) => `- ${code(check)}`).join("\n")}`;

const footer = ({ log }: Heading): string =>
  `<sub>${["🔴 data or a server is lost · 🟠 down for a while · 🟡 changed while it runs · 🟢 new · ⚪ left as it is", logLink(log)].filter(Boolean).join(" · ")}</sub>`;

/** A link to the whole log; empty where nobody said where that is. */
export const logLink = (log: string | undefined): string =>
  log === undefined ? "" : `[the whole log](${encodeURI(log).replaceAll(")", "%29")})`;

export const shortened = (text: string, length: number): string =>
  text.length <= length
    ? text
    : `${text.slice(0, length)}\n… ${text.length - length} characters more are in the log`;
