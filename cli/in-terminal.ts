import { spawn } from "node:child_process";
import { constants } from "node:os";

/**
 * Run a program with this terminal as its own until it ends.
 * @param env beside what this process has
 * @returns its exit code
 */
export async function inTerminal(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const child = spawn(file, args, { stdio: "inherit", env: { ...process.env, ...env } });
  // The terminal's Ctrl-C reaches it by itself; whoever else ends this process means that program.
  const pass = (signal: NodeJS.Signals) => void (signal === "SIGINT" || child.kill(signal));
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}
