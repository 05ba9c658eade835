import { html as template } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

/** A piece of a page: markup whose texts are escaped. */
export type Html = HtmlEscapedString;

/** What may stand in a template: text is escaped, a list is joined, and what is absent, null or a truth value leaves nothing. */
export type Part = Html | string | number | boolean | null | undefined | readonly Part[];

/**
 * Markup with parts in it. Every part that is no markup itself is escaped, for texts and for attributes in quotes alike; so a page never says
 * more than its templates do. A part must not stand in a script, a style, or an attribute without quotes.
 */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const made = template(strings, ...parts);
  if (made instanceof Promise) throw new TypeError("a part of a page has to be there when the page is made");
  return made;
}
