import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { execa, type ResultPromise } from "execa";
import { Failure } from "./failure.ts";

/** How a child process ended. */
export interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Written to stdin, which is then closed. */
  input?: string | Uint8Array | Readable;
  /** Milliseconds; at the end of it the child is killed and `TimedOut` is thrown. */
  deadline: number;
  env?: Record<string, string>;
  cwd?: string;
  signal?: AbortSignal;
  /** Called with each line of stderr as it comes. */
  onLine?: (line: string) => void;
  /** Keep stderr for the end, 64 MB of it at most; without, `Ended.stderr` is empty. @default true */
  keepStderr?: boolean;
}

/** A child did not end within its deadline. */
export class TimedOut extends Failure {}

/** The program is not there, or may not be run. */
export class NotStarted extends Failure {}

/** Seconds a child has to end when it is asked to. */
const killSeconds = 2;

/**
 * Run a program to its end and return how it ended; a non-zero exit is not an error here.
 * Throws `TimedOut`, or `NotStarted`.
 */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const child = execa(file, args, {
    input: options.input ?? "",
    timeout: options.deadline,
    killSignal: "SIGTERM",
    forceKillAfterDelay: killSeconds * 1_000,
    cancelSignal: options.signal,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.keepStderr === false ? { buffer: { stderr: false } } : {}),
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  if (options.onLine && child.stderr) forEachLine(child.stderr, options.onLine);
  const ended = await endOf(child, options);
  if (ended.timedOut) {
    throw new TimedOut({
      tried: `run ${file}`,
      cameBack: `no end within ${options.deadline / 1000} s`,
      next: "look at what holds it up, then run pulumi up again",
    });
  }
  if (ended.isCanceled) throw new Error(`${file} was cancelled`);
  if (ended.exitCode === undefined && ended.signal === undefined) {
    throw new NotStarted({
      tried: `start ${file}`,
      cameBack: ended.code === "ENOENT" ? "it is not on PATH" : String(ended.shortMessage),
      next: `install ${file} or put its folder on PATH`,
    });
  }
  return { exitCode: ended.exitCode ?? 128, stdout: ended.stdout, stderr: ended.stderr ?? "" };
}

/**
 * Run two programs, the first one's output being the second one's input, and return how the second ended, or the first where only that
 * failed. The bytes do not pass through this process. Throws `TimedOut`.
 */
export async function runPiped(
  first: readonly [file: string, args: readonly string[]],
  second: readonly [file: string, args: readonly string[]],
  { deadline, signal }: Pick<RunOptions, "deadline" | "signal">,
): Promise<Ended> {
  signal?.throwIfAborted();
  const from = spawn(first[0], first[1], { stdio: ["ignore", "pipe", "pipe"] });
  const to = spawn(second[0], second[1], { stdio: [from.stdout, "pipe", "pipe"] });
  // The second one has it now; kept open here, it would never hear of its reader's end.
  from.stdout.destroy();
  const children = [from, to] as const;
  let cut: Error | undefined;
  const end = (because: Error) => {
    cut = because;
    for (const child of children) child.kill("SIGKILL");
  };
  const next = "look at what holds it up, then run pulumi up again";
  const late = new TimedOut({
    tried: `run ${second[0]}`,
    cameBack: `no end within ${deadline / 1000} s`,
    next,
  });
  const timer = setTimeout(() => end(late), deadline);
  const cancelled = () => end(new Error(`${second[0]} was cancelled`));
  signal?.addEventListener("abort", cancelled);
  try {
    const [sent, received] = await Promise.all(children.map(endOfSpawned));
    if (cut) throw cut;
    return received?.exitCode === 0 && sent && sent.exitCode !== 0 ? sent : (received as Ended);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancelled);
  }
}

function endOfSpawned(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  // The first one's stdout is the other's.
  if (child.stdout?.destroyed === false)
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    stderr = (stderr + chunk).slice(-16_000);
  });
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ exitCode: 127, stdout, stderr: error.message }));
    child.once("close", (code) => resolve({ exitCode: code ?? 128, stdout, stderr }));
  });
}

/**
 * Wait for a child, but no longer than its deadline allows: what the child has started may hold its output open
 * long after the child was killed.
 */
export async function endOf<Child extends ResultPromise>(
  child: Child,
  { deadline, signal }: { deadline: number; signal?: AbortSignal },
): Promise<Awaited<Child>> {
  const letGo = () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const timers = [setTimeout(letGo, deadline + killSeconds * 1_500)];
  const cancelled = () => timers.push(setTimeout(letGo, killSeconds * 1_500));
  signal?.addEventListener("abort", cancelled);
  try {
    return await child;
  } finally {
    signal?.removeEventListener("abort", cancelled);
    for (const timer of timers) clearTimeout(timer);
  }
}

/** Call `onLine` with each line of a stream; carriage returns count as line ends, so that progress bars do not pile up. */
export function forEachLine(stream: Readable, onLine: (line: string) => void): void {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", (line) => {
    for (const part of line.split("\r")) if (part.trim() !== "") onLine(part.trimEnd());
  });
  // readline emits the stream's errors as its own; unheard, they would end the process. The child's end is what is judged.
  lines.on("error", () => {});
}

/** The last `count` lines of a text that say something. */
export function lastLines(text: string, count: number): string {
  return text
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .join("\n");
}
