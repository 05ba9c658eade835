import { execa } from "execa";

/** A command that failed, told in one line. */
export class CommandFailed extends Error {}

/** How long the short commands of the driver (ip, nft, mount) may take. */
const LIMIT_MS = 45_000;

/**
 * Runs a short command and returns its output.
 * @throws {CommandFailed} with the command, its exit and the last line it said
 */
export async function run(
  file: string,
  args: string[],
  { input = "", limitMs = LIMIT_MS }: { input?: string; limitMs?: number } = {},
): Promise<string> {
  const result = await execa(file, args, { reject: false, timeout: limitMs, input });
  if (!result.failed) return result.stdout;
  throw new CommandFailed(`${[file, ...args].join(" ")}: ${reason(result, limitMs)}`);
}

/** Runs a command whose failure is an answer; true when it succeeded. */
export async function attempt(file: string, args: string[]): Promise<boolean> {
  const result = await execa(file, args, { reject: false, timeout: LIMIT_MS });
  return !result.failed;
}

interface Failure {
  stderr: string;
  exitCode?: number;
  shortMessage?: string;
  timedOut: boolean;
}

function reason(result: Failure, limitMs: number): string {
  if (result.timedOut) return `no end within ${limitMs / 1000} s`;
  const said = result.stderr.trim().split("\n").at(-1);
  return (
    said || (result.exitCode === undefined ? (result.shortMessage ?? "failed") : `exit ${result.exitCode}`)
  );
}

/** The one line of whatever was thrown. */
export function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? text;
}
