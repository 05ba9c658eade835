/**
 * A command line as a list of words, split as a POSIX shell does at blanks, with quotes and backslashes; nothing is expanded.
 * Undefined where a quote is not closed or a backslash stands last.
 */
export function shellWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let rest = line;
  while (rest !== "") {
    const piece =
      /^(?<blank>\s+)|^'(?<single>[^']*)'|^"(?<double>(?:[^"\\]|\\[\s\S])*)"|^\\(?<escaped>[\s\S])|^(?<plain>[^\s'"\\]+)/.exec(
        rest,
      );
    if (!piece?.groups) return undefined;
    rest = rest.slice(piece[0].length);
    const { blank, single, double, escaped, plain } = piece.groups;
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    // Between double quotes a backslash is one, but before what is special there.
    word = (word ?? "") + (single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? plain ?? "");
  }
  return word === undefined ? words : [...words, word];
}
