import { appendFile, readFile, rename, stat, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";

/** A log that grows beyond this is cut to its newer half. */
const LIMIT_BYTES = 1024 * 1024;

/** A machine's console, kept in a file of bounded size. */
export class ConsoleLog {
  readonly #file: string;
  #queue: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** Adds what a stream says until it ends. */
  follow(stream: Readable): void {
    stream.on("data", (chunk: Buffer) => void this.#append(chunk));
  }

  /** Adds a line of the driver's own. */
  note(line: string): Promise<void> {
    return this.#append(`\n[lab ${new Date().toISOString()}] ${line}\n`);
  }

  /** The last lines, without the colours of systemd's messages. */
  async tail(lines: number): Promise<string[]> {
    await this.#queue;
    const text = await readFile(this.#file, "utf8").catch(() => "");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with one
    const plain = text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
    return plain
      .split(/\r?\n/)
      .filter((line) => line.trim())
      .slice(-lines);
  }

  #append(content: string | Buffer): Promise<void> {
    this.#queue = this.#queue.then(() => this.#write(content)).catch(() => undefined);
    return this.#queue;
  }

  async #write(content: string | Buffer): Promise<void> {
    await appendFile(this.#file, content);
    const { size } = await stat(this.#file);
    if (size <= LIMIT_BYTES) return;
    const whole = await readFile(this.#file);
    const kept = whole.subarray(whole.length - LIMIT_BYTES / 2);
    // Whoever reads meanwhile never sees half of it.
    await writeFile(`${this.#file}.new`, kept.subarray(kept.indexOf("\n") + 1));
    await rename(`${this.#file}.new`, this.#file);
  }
}
