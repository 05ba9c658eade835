import { readFileSync } from "node:fs";
import { join } from "node:path";
import { documentOf } from "../../page/document.ts";
import { type Html, html } from "../../page/html.ts";
import { badge } from "../../page/parts.ts";
import type { LivePage } from "./model.ts";

/** Seconds after which a page whose browser runs no script loads itself anew. */
const reload = 10;

const style = (): string => readFileSync(join(import.meta.dirname, "style.css"), "utf8");

/** The whole page. The script makes one of the lines on top visible, which say whether what is shown is live. */
export function livePageDocument(
  { stack }: LivePage,
  content: Html,
  { script, nonce, port, now }: { script: string; nonce: string; port: number; now: Date },
): string {
  return documentOf({
    title: `Stack ${stack}`,
    beside: html`What berth status tells, live. This page changes nothing.`,
    style: style(),
    head: html`<noscript><meta http-equiv="refresh" content="${reload}"></noscript>`,
    main: html`<noscript><p class="soft">No script may run here: the page, of ${now.toISOString().slice(11, 19)} UTC, loads itself anew every ${reload} seconds.</p></noscript>
<div id="link" role="status">
<p id="link-live" hidden>${badge("good", "live")}</p>
<p id="link-lost" class="panel bad" hidden>${badge("bad", "not live")} The command has not answered since <time id="lost-at"></time>. What is shown is from then. This page tries to reach it again; if it was ended, start it: <code>berth -s ${stack} status --web --port ${port}</code></p>
<p id="link-refused" class="panel bad" hidden>${badge("bad", "not live")} The command knows this page no longer: open the address that it has printed.</p>
</div>
${content}`,
    script,
    nonce,
    connect: "'self'",
  });
}

/** What the printed address leads to: a page of its own that goes on to the one that the cookie opens. */
export const openedPage = (place: string): string =>
  documentOf({
    title: "berth status",
    head: html`<meta http-equiv="refresh" content="0; url=${place}">`,
    main: html`<p><a href="${place}">Go on to the stack</a></p>`,
  });

/** For whoever has no cookie, and for what there is not. */
export const deadPage = (): string =>
  documentOf({
    title: "berth status",
    main: html`<p>There is nothing to see at this address. Open the one that <code>berth status --web</code> has printed in the terminal.</p>`,
  });
