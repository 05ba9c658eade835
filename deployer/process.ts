import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { onExit } from "signal-exit";
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
  signal?: AbortSignal | undefined;
  /** Called with each line of stderr as it comes. */
  onLine?: (line: string) => void;
  /** Keep stderr for the end; without, `Ended.stderr` is empty. @default true */
  keepStderr?: boolean;
  /** Called with each line of stdout as it comes, which is then not kept. @default it is kept */
  onOutput?: (line: string) => void;
}

/** Whether there is a process of this id; somebody else's is one as well. */
export function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** A child did not end within its deadline. */
export class TimedOut extends Failure {}

/** The program is not there, or may not be run. */
export class NotStarted extends Failure {}

/** Seconds a child has to end when it is asked to. */
const killSeconds = 2;
/** Bytes of its output that are kept at most: a child that writes more is ended. */
const mostKept = 64 * 1024 * 1024;

/**
 * Run a program to its end and return how it ended; a non-zero exit is not an error here.
 * Throws `TimedOut`, or `NotStarted`.
 */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const { stdout, ...ended } = await runForBytes(file, args, options);
  return { ...ended, stdout: stdout.toString("utf8") };
}

/** The same, with what it wrote as bytes. */
export async function runForBytes(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Omit<Ended, "stdout"> & { stdout: Buffer }> {
  const { input = "", cwd, onLine, onOutput, keepStderr = true } = options;
  const env = { ...process.env, ...options.env };
  const child = await started(file, options.signal, () => spawn(file, args, { cwd, env, stdio: "pipe" }));
  return await overseen(file, [child], options, async (end) => {
    let kept = 0;
    const keep = (stream: Readable): Buffer[] => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        kept += chunk.length;
        if (kept > mostKept) end(new Error(`${file} wrote more than ${mostKept / 1024 / 1024} MB`));
      });
      return chunks;
    };
    const stdout = onOutput ? [] : keep(child.stdout);
    const stderr = keepStderr ? keep(child.stderr) : [];
    if (onOutput) forEachLine(child.stdout, onOutput);
    if (onLine) forEachLine(child.stderr, onLine);
    else child.stderr.resume();
    // A child need not read what it is given: how it ends is what counts. What breaks off is no input.
    child.stdin.on("error", () => undefined);
    if (input instanceof Readable)
      pipeline(input, child.stdin).catch((error: Error) => input.errored && end(error));
    else child.stdin.end(input);
    return {
      exitCode: await exitOf(child),
      stdout: Buffer.concat(stdout),
      stderr: Buffer.concat(stderr).toString("utf8"),
    };
  });
}

/**
 * Run two programs, the first one's output being the second one's input, and return how the second ended, or the first where only that
 * failed. The bytes do not pass through this process. Throws `TimedOut`, or `NotStarted`.
 */
export async function runPiped(
  first: readonly [file: string, args: readonly string[]],
  second: readonly [file: string, args: readonly string[]],
  options: Pick<RunOptions, "deadline" | "signal">,
): Promise<Ended> {
  const { signal } = options;
  const from = await started(first[0], signal, () =>
    spawn(first[0], first[1], { stdio: ["ignore", "pipe", "pipe"] }),
  );
  const to = await started(second[0], signal, () =>
    spawn(second[0], second[1], { stdio: [from.stdout, "pipe", "pipe"] }),
  ).catch((error: unknown) => {
    from.kill("SIGKILL");
    throw error;
  });
  // The second one has it now; kept open here, it would never hear of its reader's end.
  from.stdout.destroy();
  return await overseen(second[0], [from, to], options, async () => {
    const [sent, received] = await Promise.all([lastWordsOf(from), lastWordsOf(to)]);
    return received.exitCode === 0 && sent.exitCode !== 0 ? sent : received;
  });
}

/** Throws `NotStarted`. */
async function started<Child extends ChildProcess>(
  file: string,
  signal: AbortSignal | undefined,
  start: () => Child,
): Promise<Child> {
  if (signal?.aborted) throw new Error(`${file} was cancelled`);
  let error: Error;
  try {
    const child = start();
    // Heard later as well, where it could not be sent a signal.
    const failed = new Promise<Error>((resolve) => child.on("error", resolve));
    if (child.pid !== undefined) return child;
    error = await failed;
  } catch (thrown) {
    error = thrown as Error;
  }
  throw new NotStarted({
    tried: `start ${file}`,
    cameBack: "code" in error && error.code === "ENOENT" ? "it is not on PATH" : error.message,
    next: `install ${file} or put its folder on PATH`,
  });
}

/**
 * Do what is to be done about children, and end them at their deadline, when they are cancelled, or with this process.
 * @param work may end them before; throws why they were ended
 */
async function overseen<Result>(
  file: string,
  children: readonly ChildProcess[],
  { deadline, signal }: Pick<RunOptions, "deadline" | "signal">,
  work: (end: (because: Error) => void) => Promise<Result>,
): Promise<Result> {
  const kill = (how: NodeJS.Signals) => {
    for (const child of children) child.kill(how);
  };
  const timers: NodeJS.Timeout[] = [];
  let ended: Error | undefined;
  const end = (because: Error) => {
    if (ended) return;
    ended = because;
    kill("SIGTERM");
    timers.push(setTimeout(kill, killSeconds * 1_000, "SIGKILL"));
    // What they have started may hold their output open long after they are gone.
    timers.push(setTimeout(letGo, killSeconds * 1_500, children));
  };
  const late = {
    tried: `run ${file}`,
    cameBack: `no end within ${deadline / 1000} s`,
    next: "look at what holds it up, then run pulumi up again",
  };
  timers.push(setTimeout(() => end(new TimedOut(late)), deadline));
  const cancel = () => end(new Error(`${file} was cancelled`));
  signal?.addEventListener("abort", cancel);
  if (signal?.aborted) cancel();
  const forget = onExit(() => kill("SIGTERM"));
  try {
    const result = await work(end);
    if (ended) throw ended;
    return result;
  } finally {
    forget();
    signal?.removeEventListener("abort", cancel);
    for (const timer of timers) clearTimeout(timer);
  }
}

const letGo = (children: readonly ChildProcess[]): void => {
  for (const { stdout, stderr } of children) for (const stream of [stdout, stderr]) stream?.destroy();
};

const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => child.once("close", (code) => resolve(code ?? 128)));

/** How it ends, and the end of what it says. */
async function lastWordsOf(child: ChildProcess): Promise<Ended> {
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
  return { exitCode: await exitOf(child), stdout, stderr };
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
