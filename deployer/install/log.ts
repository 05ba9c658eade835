import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Two outputs of an install: every line in a file, a few short ones for whoever watches. */
export class InstallLog {
  readonly file: string;
  readonly #fd: number;
  readonly #started = Date.now();
  readonly #recent: string[] = [];
  readonly #said = new Set<string>();
  readonly #onSay: ((line: string) => void) | undefined;
  #phase = "start";

  /** @param onSay told each line for people, too */
  constructor(file: string, onSay?: (line: string) => void) {
    this.file = file;
    this.#onSay = onSay;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.#fd = openSync(file, "a", 0o600);
  }

  /** The last phase that was said. */
  get phase(): string {
    return this.#phase;
  }

  /** A line for the file alone. */
  keep(line: string): void {
    this.#recent.push(line);
    if (this.#recent.length > 50) this.#recent.shift();
    writeSync(this.#fd, `${new Date().toISOString()} ${line}\n`);
  }

  /** A line for people, and for the file. Kept short: a plugin that streams long lines may hang on them. */
  say(line: string): void {
    this.#phase = line;
    this.#said.add(line);
    this.keep(line);
    this.#onSay?.(line);
    const seconds = ((Date.now() - this.#started) / 1000).toFixed(1);
    process.stdout.write(`${seconds.padStart(6)} s  ${line.slice(0, 160)}\n`);
  }

  /** Like `say`, but to the file alone for a line that people were told already. */
  sayOnce(line: string): void {
    const phase = this.#phase;
    if (this.#said.has(line)) this.keep(line);
    else this.say(line);
    // Not a phase: something to know.
    this.#phase = phase;
  }

  /** The last lines, each cut as for people. */
  tail(count: number): string {
    return this.#recent
      .slice(-count)
      .map((line) => line.slice(0, 300))
      .join("\n");
  }

  close(): void {
    closeSync(this.#fd);
  }
}
