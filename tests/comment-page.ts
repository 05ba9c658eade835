import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { raw } from "hono/html";
import MarkdownIt from "markdown-it";
import alerts from "markdown-it-github-alerts";
import { documentOf } from "../cli/page/document.ts";

const goldens = join(import.meta.dirname, "unit/cli/comment");

/** Markdown that was read and found good, by its name: the comments, and the issues as `issue-…`. */
export const comments: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ["comments", ""],
    ["issues", "issue-"],
  ].flatMap(([folder = "", prefix]) =>
    readdirSync(join(goldens, folder)).map((file) => [
      `${prefix}${file.replace(/\.md$/, "")}`,
      readFileSync(join(goldens, folder, file), "utf8"),
    ]),
  ),
);

/** As a forge does, with the difference that no HTML is taken out: what gets through here would be held back there at best. */
const markdown = new MarkdownIt({ html: true, linkify: true, breaks: true }).use(alerts);

/** Plain, and in the proportions of a comment at GitHub: its measures of a table, and code that wraps at spaces alone. */
const style = `
body { max-width: 58rem; padding: 1rem; font-size: 0.875rem; overflow-wrap: break-word; }
header { padding: 0.5rem 1rem; border: 1px solid var(--line); border-radius: 6px 6px 0 0; background: var(--panel); }
header h1 { font-size: 0.875rem; }
main { padding: 0.25rem 1rem 0.75rem; border: 1px solid var(--line); border-top: 0; border-radius: 0 0 6px 6px; }
h3 { margin: 1rem 0; font-size: 1.25em; }
p, details, .markdown-alert { margin: 0 0 1rem; }
summary { cursor: pointer; }
ul { padding-left: 2em; }
main > p:last-child { margin: 0; }
code, pre { padding: 0.2em 0.4em; border-radius: 6px; background: var(--panel); font-size: 85%; white-space: break-spaces; }
h3 code { font-size: inherit; }
td code { white-space: break-spaces; }
pre { padding: 1rem; overflow: auto; white-space: pre; }
pre code { padding: 0; font-size: inherit; white-space: inherit; }
sub { font-size: 75%; }
table { display: block; width: max-content; max-width: 100%; margin: 0 0 1rem; overflow: auto; font-size: inherit; }
th, td { padding: 0.4rem 0.8rem; border: 1px solid var(--line); }
td:last-child { min-width: 0; }
.markdown-alert { padding: 0.5rem 1rem; border-left: 0.25em solid var(--line); }
.markdown-alert > * { margin: 0 0 0.5rem; }
.markdown-alert-title { display: flex; gap: 0.5rem; align-items: center; font-weight: 600; }
.markdown-alert-title svg { fill: currentcolor; }
.markdown-alert-caution { border-color: var(--bad); }
.markdown-alert-caution .markdown-alert-title { color: var(--bad); }
`;

/** A comment as a forge shows it. */
export const commentPage = (text: string): string =>
  documentOf({ title: "berth commented", main: raw(markdown.render(text)), style });
