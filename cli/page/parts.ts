import { size } from "../../deployer/compare/describe.ts";
import type { HostResult } from "../../deployer/runs/summary.ts";
import { age } from "../rollback.ts";
import { shortPath } from "../summary-table.ts";
import { type Html, html, type Part } from "./html.ts";

/** How something is, told by a word, a sign and a colour, in this order of weight. */
export const tones = ["good", "quiet", "busy", "warn", "bad"] as const;
export type Tone = (typeof tones)[number];

/** Read by nobody aloud: the word beside it says the same. */
const signs: Record<Tone, string> = { good: "✓", quiet: "·", busy: "…", warn: "!", bad: "✕" };

const toneOfOutcome: Record<HostResult["outcome"], Tone> = {
  switched: "good",
  verified: "good",
  unchanged: "quiet",
  held: "warn",
  "not started": "warn",
  interrupted: "warn",
  "rolled back": "bad",
  lost: "bad",
  "not reached": "bad",
  failed: "bad",
};

/** A word with a sign and a colour. */
export const badge = (tone: Tone, word: string): Html =>
  html`<span class="badge ${tone}"><span aria-hidden="true">${signs[tone]}</span> ${word}</span>`;

/** How the work on a host ended. */
export const outcomeBadge = (outcome: HostResult["outcome"]): Html => badge(toneOfOutcome[outcome], outcome);
export const outcomeTone = (outcome: HostResult["outcome"]): Tone => toneOfOutcome[outcome];

/** Whether a check, or all of a host's, is healthy. */
export const healthBadge = (healthy: boolean): Html =>
  healthy ? badge("good", "healthy") : badge("bad", "unhealthy");

/** A host's name. */
export const hostName = (host: string): Html => html`<span class="host">${host}</span>`;

/** "0.4 s", "12 s", "3 min 5 s", "2 h 10 min". @param seconds 0 or more */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  if (whole < 7_200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment, for people in UTC to the second. @param at ISO 8601, as a record or `--json` has it */
export const moment = (at: string): Html =>
  html`<time datetime="${at}">${at.slice(0, 19).replace("T", " ")} UTC</time>`;

/** How long ago something was; the moment itself for who asks. @param at ISO 8601 */
export const since = (at: string, now: Date): Html =>
  html`<time datetime="${at}" title="${at}">${age(Date.parse(at) / 1000, now.getTime())}</time>`;

/** "12.3 MB". */
export const bytes = (count: number): Html => html`<span class="number">${size(count)}</span>`;

/** A store path as people know it, with the whole one for who asks. */
export const storePath = (path: string | null | undefined): Html =>
  path ? html`<code title="${path}">${shortPath(path)}</code>` : html`<span class="soft">not known</span>`;

/** A part of the page with a heading, which `#id` leads to. */
export const section = (id: string, title: string, ...content: Part[]): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;

/** A table that scrolls in itself where it is wider than the page, by keys as well. @param label for who does not see it */
export const table = (label: string, head: readonly string[], rows: readonly (readonly Part[])[]): Html =>
  html`<div class="scrolls" role="region" aria-label="${label}" tabindex="0"><table>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...rest]) =>
      html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell === "" ? "–" : cell}</td>`)}</tr>
`,
  )}</tbody>
</table></div>`;

/** Text in lines as it was, e.g. a journal: long lines wrap. @param label for who does not see it */
export const lines = (label: string, text: string): Html =>
  html`<pre class="lines" role="region" aria-label="${label}" tabindex="0">${text}</pre>`;
