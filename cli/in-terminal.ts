import { spawn } from "node:child_process";
import { constants } from "node:os";

export interface InTerminalOptions {
  /** Beside what this process has. */
  env?: Record<string, string>;
  /** What it prints goes to stderr: stdout is for an answer. */
  aside?: boolean;
  /** Milliseconds; then it is asked to end, and killed when it does not. */
  deadline?: number;
}

/** Milliseconds that a program has to end once it was asked to. */
const patience = 120_000;

/**
 * Run a program with this terminal as its own until it ends.
 * @returns its exit code
 */
export async function inTerminal(
  file: string,
  args: readonly string[],
  { env = {}, aside = false, deadline }: InTerminalOptions = {},
): Promise<number> {
  const child = spawn(file, args, {
    stdio: ["inherit", aside ? 2 : "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  // The terminal's Ctrl-C reaches it by itself; whoever else ends this process means that program.
  const pass = (signal: NodeJS.Signals) => void (signal === "SIGINT" || child.kill(signal));
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, pass);
  const late: NodeJS.Timeout[] = [];
  if (deadline !== undefined)
    late.push(
      setTimeout(() => child.kill("SIGINT"), deadline),
      setTimeout(() => child.kill("SIGKILL"), deadline + patience),
    );
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    for (const timer of late) clearTimeout(timer);
    for (const signal of signals) process.off(signal, pass);
  }
}
