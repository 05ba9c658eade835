import { type Html, html } from "../../page/html.ts";
import { since } from "../../page/parts.ts";

/** How long ago something was. The page's script counts it on. @param at ISO 8601 */
export const ago = (at: string, now: Date): Html => html`<span class="ago">${since(at, now)}</span>`;
