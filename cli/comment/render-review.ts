import type { ReviewItem } from "../review/report.ts";
import { cell, code } from "./markdown.ts";

/** Of which project a short-lived stack is, and where the log of what was done is. */
export interface ReviewHeading {
  project: string;
  log?: string | undefined;
}

/** The first line of its comment, by which it is found again. */
const markOfReview = (project: string, stack: string): string =>
  `<!-- berth short-lived stack ${encodeURIComponent(project)}/${encodeURIComponent(stack)} -->`;

/** "2026-11-22 18:00 UTC" */
const minute = (until: string): string => `${until.slice(0, 16).replace("T", " ")} UTC`;

/** The comment on a pull request's short-lived stack, as Markdown; undefined where there is nothing to tell. Pure. */
export function renderReview({ project, log }: ReviewHeading, item: ReviewItem): string | undefined {
  const { stack, state, until, because, addresses, monthly, hourly, currency = "", commit } = item;
  if (state === "there" || state === "refused") return undefined;
  const of = code(`${project}/${stack}`);
  const title: Record<typeof state, string> = {
    up: `### 🟢 ${of} is up`,
    failed: `### 🔴 ${of} ${until === null ? "was neither made nor changed" : "is not as it should be"}`,
    gone: `### ⚪ ${of} was taken down`,
  };
  const rows = Object.entries(addresses).map(([name, url]) => `| ${cell(name)} | ${addressOf(url)} |`);
  const ends =
    until === null || state === "gone"
      ? []
      : [`It ends at **${minute(until)}**: the first sweep after that takes it down with all that is on it.`];
  const price =
    monthly === undefined || state === "gone"
      ? []
      : [
          `It costs ${monthly.toFixed(2)} ${currency} a month${hourly === undefined ? "" : `, about ${hourly.toFixed(4)} an hour`}.`,
        ];
  const table =
    rows.length > 0 && state !== "gone" ? [["| name | address |", "| --- | --- |", ...rows].join("\n")] : [];
  const what = commit === undefined ? [] : [`Commit ${code(commit.slice(0, 12))}.`];
  const where = log === undefined ? [] : [`[Log](${log})`];
  const said = because === "" ? [] : [code(because)];
  return [
    markOfReview(project, stack),
    title[state],
    ...said,
    ...table,
    [...ends, ...price].join(" "),
    [...what, ...where].join(" "),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** An address as a link, where it is one and nothing else: the program of a pull request has chosen it. */
function addressOf(url: string): string {
  return /^https?:\/\/[A-Za-z0-9.[\]:-]+\/?$/.test(url) ? `<${url}>` : cell(url);
}
