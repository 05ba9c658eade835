/** The words of DNS master files (RFC 1035, section 5), as in zone files and in the values of records. */

/** A word as it was written; a quoted one keeps its quotes. */
export interface Word {
  text: string;
  quoted: boolean;
}

/** One entry of a zone file: its words, on one line or on several in parentheses. */
export interface Entry {
  /** Of the first word, from 1. */
  line: number;
  /** Whether the line starts with a space, which means: the same owner as before. */
  indented: boolean;
  words: Word[];
}

/** A text that is not in the form of a master file. */
export class DnsTextError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

type Token =
  | { kind: "word"; word: Word; line: number; indented: boolean }
  | { kind: "open" | "close" | "comment" | "newline"; line: number };

const delimiter = /[ \t\r\n;()"]/;

function* tokensOf(text: string): Generator<Token> {
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    if (character === "\n") {
      yield { kind: "newline", line };
      line++;
      lineStart = ++at;
    } else if (character === ";") {
      yield { kind: "comment", line };
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end;
    } else if (character === "(" || character === ")") {
      yield { kind: character === "(" ? "open" : "close", line };
      at++;
    } else if (/[ \t\r]/.test(character)) {
      at++;
    } else {
      const word = wordAt(text, at, line);
      yield { kind: "word", word, line, indented: at > lineStart };
      at += word.text.length;
    }
  }
}

/** The entries of a master file without its comments. Throws `DnsTextError`. */
export function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  let entry: Entry | undefined;
  let depth = 0;
  let line = 1;
  const close = () => {
    if (entry !== undefined) entries.push(entry);
    entry = undefined;
  };
  for (const token of tokensOf(text)) {
    line = token.line;
    if (token.kind === "word") {
      entry ??= { line, indented: token.indented, words: [] };
      entry.words.push(token.word);
    } else if (token.kind === "open") {
      depth++;
    } else if (token.kind === "close" && --depth < 0) {
      throw new DnsTextError(line, "a closing parenthesis without an opening one");
    } else if (token.kind === "newline" && depth === 0) {
      close();
    }
  }
  if (depth > 0) throw new DnsTextError(line, "a parenthesis is not closed");
  close();
  return entries;
}

/** The words of one record's value. Throws `DnsTextError` when it is more than that. */
export function wordsOf(value: string): Word[] {
  return [...tokensOf(value)].map((token) => {
    if (token.kind === "word") return token.word;
    throw new DnsTextError(
      1,
      token.kind === "newline"
        ? "must be on one line"
        : "';', '(' and ')' must be in quotes or after a backslash",
    );
  });
}

function wordAt(text: string, start: number, line: number): Word {
  if (text.charAt(start) === '"') {
    return { text: quotedAt(text, start, line), quoted: true };
  }
  let end = start;
  while (end < text.length && !delimiter.test(text.charAt(end))) {
    end += text.charAt(end) === "\\" && end + 1 < text.length ? 2 : 1;
  }
  // A parameter such as alpn="h2,h3" is one word.
  const value = text.charAt(end) === '"' && text.charAt(end - 1) === "=" ? quotedAt(text, end, line) : "";
  return { text: text.slice(start, end) + value, quoted: false };
}

/** The quoted text that starts here, with its quotes. */
function quotedAt(text: string, start: number, line: number): string {
  for (let at = start + 1; at < text.length && text.charAt(at) !== "\n"; at++) {
    if (text.charAt(at) === "\\") {
      at++;
    } else if (text.charAt(at) === '"') {
      return text.slice(start, at + 1);
    }
  }
  throw new DnsTextError(line, "a quoted text is not closed");
}

/** The bytes a word stands for, after `\"` and `\059`; undefined when an escape is not one. */
export function bytesOf({ text, quoted }: Word): Buffer | undefined {
  const inner = quoted ? text.slice(1, -1) : text;
  const parts: Buffer[] = [];
  for (const [piece] of inner.matchAll(/\\\d{3}|\\.|[^\\]+|\\$/gs)) {
    if (/^\\\d/.test(piece)) {
      const byte = Number(piece.slice(1));
      if (piece.length !== 4 || byte > 255) return undefined;
      parts.push(Buffer.of(byte));
    } else if (piece === "\\") {
      return undefined;
    } else {
      parts.push(Buffer.from(piece.startsWith("\\") ? piece.slice(1) : piece));
    }
  }
  return Buffer.concat(parts);
}
