import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { execa } from "execa";

/** How a child process ended. */
export interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Written to stdin, which is then closed. */
  input?: string;
  /** Milliseconds; at the end of it the child is killed and `TimedOut` is thrown. */
  deadline: number;
  env?: Record<string, string>;
  cwd?: string;
  signal?: AbortSignal;
  /** Called with each line of stderr as it comes. */
  onLine?: (line: string) => void;
}

/** A child did not end within its deadline. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/**
 * Run a program to its end and return how it ended; a non-zero exit is not an error here.
 * Throws `TimedOut`, or a one-line error when the program cannot be started.
 */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const child = execa(file, args, {
    input: options.input ?? "",
    timeout: options.deadline,
    killSignal: "SIGTERM",
    forceKillAfterDelay: 2_000,
    cancelSignal: options.signal,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  if (options.onLine && child.stderr) forEachLine(child.stderr, options.onLine);
  const ended = await child;
  if (ended.timedOut)
    throw new TimedOut(`${file} did not end within ${Math.round(options.deadline / 1000)} s`);
  if (ended.isCanceled) throw new Error(`${file} was cancelled`);
  if (ended.exitCode === undefined && ended.signal === undefined) {
    throw new Error(
      `${file} could not be started: ${ended.code === "ENOENT" ? "not found on PATH" : ended.shortMessage}`,
    );
  }
  return { exitCode: ended.exitCode ?? 128, stdout: ended.stdout, stderr: ended.stderr };
}

/** Call `onLine` with each line of a stream; carriage returns count as line ends, so that progress bars do not pile up. */
export function forEachLine(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => {
    for (const part of line.split("\r")) if (part.trim() !== "") onLine(part.trimEnd());
  });
}

/** The last `count` lines of a text that say something. */
export function lastLines(text: string, count: number): string {
  return text
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .join("\n");
}
