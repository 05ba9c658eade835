/** Text of somebody else's as inline code: no mark-up, no mention and no link in it counts. */
export function code(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  if (line === "") return "";
  const ticks = fenceFor(line, 1);
  const pad = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${ticks}${pad}${line}${pad}${ticks}`;
}

/** The same inside a table, where a bar would end the cell even in code. */
export const cell = (text: string): string => code(text.replaceAll("|", "\\|"));

/** Lines of somebody else's as a block. */
export function block(text: string): string {
  const fence = fenceFor(text, 3);
  return `${fence}text\n${text.trimEnd()}\n${fence}`;
}

/** What is unfolded by a click. Blank lines around it, or it is taken for HTML. */
export const folded = (title: string, content: string): string =>
  `<details><summary>${title}</summary>\n\n${content}\n\n</details>`;

/** More backticks in a row than the text has, and `least` at least. */
function fenceFor(text: string, least: number): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  return "`".repeat(Math.max(least, longest + 1));
}
