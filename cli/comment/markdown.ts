/** Text of somebody else's as inline code: no mark-up, no mention and no link in it counts. */
export function code(text: string): string {
  const line = inOneLine(text);
  if (line === "") return "";
  const ticks = fenceFor(line, 1);
  const pad = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${ticks}${pad}${line}${pad}${ticks}`;
}

/** The same inside a table, where a bar would end the cell even in code. */
export const cell = (text: string): string => code(text.replaceAll("|", "\\|"));

/** The same in HTML, for where Markdown does not count. */
export const htmlCode = (text: string): string =>
  `<code>${inOneLine(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")}</code>`;

/** Words as they are, with `shown` for what may be more than words. */
export const words = (text: string, shown: (text: string) => string): string =>
  /^[A-Za-z][A-Za-z0-9' -]*$/.test(text) ? text : shown(text);

/** Lines of somebody else's as a block. */
export function block(text: string): string {
  const lines = visible(text.trimEnd());
  const fence = fenceFor(lines, 3);
  return `${fence}text\n${lines}\n${fence}`;
}

/** What is unfolded by a click. Blank lines around it, or it is taken for HTML. */
export const folded = (title: string, content: string): string =>
  `<details><summary>${title}</summary>\n\n${content}\n\n</details>`;

const inOneLine = (text: string): string => visible(text.replaceAll(/\s+/g, " ").trim());

/** Characters that turn the direction of what follows, or are no text, by their number: code holds back neither. */
const visible = (text: string): string =>
  text.replaceAll(
    /(?![\t\n\r])[\p{Cc}\p{Bidi_Control}]/gu,
    (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`,
  );

/** More backticks in a row than the text has, and `least` at least. */
function fenceFor(text: string, least: number): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  return "`".repeat(Math.max(least, longest + 1));
}
