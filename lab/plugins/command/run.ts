import { stat } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { execa } from "execa";
import type { CallContext, Properties } from "../../../provider/framework/types.ts";
import { exitWords, folderWords, quoted, startWords } from "./go-words.ts";

/** What a run left behind; one trailing line break removed from each. */
export interface Output {
  stdout: string;
  stderr: string;
}

/** A status line is cut here. The real provider hangs for ever on a line of more than 64 KiB while it streams. */
const LONGEST_LINE = 64 * 1024;

/**
 * Runs one command as `local.Command` does: interpreter, folder, stdin and environment from the inputs, on top of this
 * process' environment. Timeout and cancel kill the child itself and nothing below it; the run ends when the last
 * process has closed the pipes. Throws in the real provider's words.
 */
export async function run(
  command: string,
  inputs: Properties,
  previous: Partial<Output>,
  call: CallContext,
): Promise<Output> {
  const [file = "/bin/sh", ...args] = interpreter(inputs);
  const cwd = typeof inputs.dir === "string" ? inputs.dir : process.cwd();
  const folderFault = await stat(cwd).then(
    (found) => (found.isDirectory() ? undefined : "ENOTDIR"),
    (error: NodeJS.ErrnoException) => error.code ?? String(error),
  );
  if (folderFault) throw failure(folderWords(cwd, folderFault), command, "");

  const stdin =
    typeof inputs.stdin === "string" && inputs.stdin !== ""
      ? { input: inputs.stdin }
      : { stdin: "ignore" as const };
  const child = execa(file, [...args, command], {
    ...stdin,
    cwd,
    env: environment(inputs, previous),
    all: true,
    encoding: "buffer",
    stripFinalNewline: false,
    reject: false,
    cancelSignal: call.signal,
    killSignal: "SIGKILL",
    forceKillAfterDelay: false,
  });
  const { stdout, stderr } = streamed(inputs.logging);
  const finish = [stdout && lines(child.stdout, call), stderr && lines(child.stderr, call)];
  const result = await child;
  for (const last of finish) if (last) last();

  const all = Buffer.from(result.all ?? []).toString("utf8");
  if (result.code && result.exitCode === undefined && !result.signal)
    throw failure(startWords(file, result.code), command, all);
  const ended = exitWords(result.exitCode, result.signal);
  if (ended) throw failure(ended, command, all);
  return { stdout: text(result.stdout), stderr: text(result.stderr) };
}

function interpreter(inputs: Properties): string[] {
  const wanted = Array.isArray(inputs.interpreter) ? inputs.interpreter.map(String) : [];
  return wanted.length > 0 ? wanted : ["/bin/sh", "-c"];
}

function environment(inputs: Properties, previous: Partial<Output>): Record<string, string> {
  const wanted = Object.entries((inputs.environment ?? {}) as Properties).map(([name, value]) => [
    name,
    String(value),
  ]);
  const added: Record<string, string> = Object.fromEntries(wanted);
  if (inputs.addPreviousOutputInEnv !== false) {
    if (previous.stdout) added.PULUMI_COMMAND_STDOUT = previous.stdout;
    if (previous.stderr) added.PULUMI_COMMAND_STDERR = previous.stderr;
  }
  return added;
}

/** What is shown while it runs; the outputs hold both streams whatever is said here. */
function streamed(logging: Properties[string]): { stdout: boolean; stderr: boolean } {
  if (logging === undefined || logging === null) return { stdout: true, stderr: true };
  return {
    stdout: logging === "stdout" || logging === "stdoutAndStderr",
    stderr: logging === "stderr" || logging === "stdoutAndStderr",
  };
}

/** Shows a stream line by line as it comes; the returned function shows what came after the last line break. */
function lines(stream: NodeJS.ReadableStream | null, call: CallContext): () => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const show = (line: string) => call.status(line.replace(/\r$/, "").slice(0, LONGEST_LINE));
  stream?.on("data", (chunk: Buffer) => {
    const parts = (rest + decoder.write(chunk)).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) show(line);
  });
  return () => {
    rest += decoder.end();
    if (rest !== "") show(rest);
  };
}

function text(output: Uint8Array | undefined): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(output).replace(/\n$/, "");
  } catch {
    // The engine's protocol cannot carry it; the real provider fails here in these words.
    throw new Error("grpc: error while marshaling: string field contains invalid UTF-8");
  }
}

function failure(ended: string, command: string, output: string): Error {
  return new Error(`${ended}: running ${quoted(command)}:\n${output}`);
}
