import { spawn } from "node:child_process";
import { constants } from "node:os";
import { checkout, node24 } from "./places.mjs";

/**
 * Run one of the checkout's TypeScript programs on Node 24 with this terminal.
 * @param {readonly string[]} args program and arguments, the program relative to the checkout
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} its exit code
 */
export function handOver(args, env) {
  const child = spawn(node24, args, { cwd: checkout, env, stdio: "inherit" });
  // Ctrl-C reaches the child too; it decides how to end, and this process waits for it.
  const wait = () => {};
  const forward = () => void child.kill("SIGTERM");
  process.on("SIGINT", wait).on("SIGTERM", forward);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      process.off("SIGINT", wait).off("SIGTERM", forward);
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}
