/** A fenced block of a page. */
export interface Block {
  /** What stands behind its fence, such as "sh"; empty where nothing does. */
  language: string;
  /** Its lines, without the fences. */
  text: string;
  /** The heading of the second level that it is under; empty above the first. */
  section: string;
  /** The line of its fence, from 1. */
  line: number;
}

/** Commands that a page has people type, with what it says comes of them. */
export interface Step extends Block {
  /** Whether the page says that they fail, by a comment `# fails…`. */
  fails: boolean;
  /** Lines that the page shows of their output: those of a `text` block right behind, `…` standing for anything. */
  shows: string[];
}

/** Every fenced block of a page in Markdown, in order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let section = "";
  let open: (Block & { fence: string }) | undefined;
  let lines: string[] = [];
  for (const [index, line] of page.split("\n").entries()) {
    const [, fence = "", language = ""] = /^ {0,3}(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line) ?? [];
    if (open) {
      if (language === "" && fence.startsWith(open.fence)) {
        const { fence: _, ...block } = open;
        blocks.push({ ...block, text: lines.join("\n") });
        open = undefined;
      } else lines.push(line);
    } else if (fence !== "") {
      open = { language, text: "", section, line: index + 1, fence };
      lines = [];
    } else section = /^## +(.*?)\s*$/.exec(line)?.[1] ?? section;
  }
  if (open) throw new Error(`the block of line ${open.line} has no end`);
  return blocks;
}

/** What a page has people type, in order. */
export function stepsOf(page: string): Step[] {
  const blocks = blocksOf(page);
  return blocks.flatMap((block, at) => {
    if (block.language !== "sh") return [];
    const next = blocks[at + 1];
    const shows = next?.language === "text" && follows(page, block, next) ? next.text.split("\n") : [];
    return {
      ...block,
      fails: /(^|\s)# fails\b/m.test(block.text),
      shows: shows.filter((line) => line.trim() !== ""),
    };
  });
}

/** Whether nothing but empty lines is between two blocks. */
function follows(page: string, one: Block, next: Block): boolean {
  const end = one.line + one.text.split("\n").length + 1;
  return page
    .split("\n")
    .slice(end, next.line - 1)
    .every((line) => line.trim() === "");
}

/** Lines of what a page shows that the output does not have, in this order; spaces count as one. */
export function missingIn(output: string, shows: readonly string[]): string[] {
  const actual = output.split("\n").map(oneSpaced);
  let from = 0;
  return shows.filter((line) => {
    const pattern = new RegExp(
      `^${oneSpaced(line)
        .split("…")
        .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*")}$`,
    );
    const found = actual.findIndex((one, index) => index >= from && pattern.test(one));
    if (found < 0) return true;
    from = found + 1;
    return false;
  });
}

/** Words of each command in a block as they are typed, comments left out; for looking, not for running. */
export function commandsIn(text: string): string[][] {
  const words = text
    .replaceAll(/\\\n/g, " ")
    .matchAll(
      /(?<=^|\s)#.*|(?<end>&&|\|\|?|;|\n)|'(?<single>[^']*)'|"(?<double>[^"]*)"|(?<plain>[^\s;&|'"]+)/gm,
    );
  const commands: string[][] = [[]];
  for (const { groups = {} } of words) {
    const word = groups["single"] ?? groups["double"] ?? groups["plain"];
    if (word !== undefined) commands.at(-1)?.push(word);
    else if (groups["end"] !== undefined) commands.push([]);
  }
  return commands.filter((command) => command.length > 0);
}

const oneSpaced = (text: string): string => text.trim().replaceAll(/\s+/g, " ");
