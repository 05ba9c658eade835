import { readFileSync } from "node:fs";
import { join } from "node:path";
import { raw } from "hono/html";
import { type Html, html, type Part } from "./html.ts";

export interface Page {
  title: string;
  /** Beside the title, on the top line, e.g. when it was made. */
  beside?: Part;
  main: Part;
  /** More for the head of the document. */
  head?: Part;
  /** A stylesheet of the page's own, after the common one. */
  style?: string;
  /** The page's only script. Without one none is let run, whatever is on the page. */
  script?: string;
  /** Where the page may be fetched from by its script, as in a Content-Security-Policy. @default nowhere */
  connect?: string;
  /** Put in every script and policy alike; needed with a script. */
  nonce?: string;
}

let common: string | undefined;

/** The stylesheet of every page, read once. */
export const stylesheet = (): string =>
  (common ??= readFileSync(join(import.meta.dirname, "style.css"), "utf8"));

/** What a page may do: nothing but show itself, and run its own script where it has one. */
export const policyOf = ({ script, nonce, connect }: Pick<Page, "script" | "nonce" | "connect">): string =>
  [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    ...(script !== undefined && nonce !== undefined ? [`script-src 'nonce-${nonce}'`] : []),
    ...(connect === undefined ? [] : [`connect-src ${connect}`]),
  ].join("; ");

/** A whole page, which needs no other file: the style is in it. */
export function documentOf(page: Page): string {
  const { title, beside, main, head, style = "", script, nonce } = page;
  // Neither can close its element early: one is ours, the other is checked.
  if (script !== undefined && /<\/script|<!--/i.test(script))
    throw new TypeError("a script must not have the end of its element in it");
  const made: Html = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policyOf(page)}">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${raw(stylesheet() + style)}</style>
${head}
</head>
<body>
<header><h1>${title}</h1>${beside === undefined ? "" : html`<p class="soft">${beside}</p>`}</header>
<main>${main}</main>
${script === undefined ? "" : html`<script nonce="${nonce}">${raw(script)}</script>`}
</body>
</html>
`;
  return made.toString();
}
