import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { commandLine } from "./quoting.mjs";
import { Trouble } from "./trouble.mjs";

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] the whole environment; default: this process's
 * @property {number} [deadline] milliseconds until the child is killed; default 30 minutes
 * @property {string} [log] file that all output goes to
 * @property {(line: string) => void} [onLine] called with each line of output
 * @property {AbortSignal} [signal] ends the child
 */

/**
 * Run a program to its end.
 * @param {readonly string[]} command
 * @param {RunOptions} [options]
 * @returns {Promise<{ code: number, output: string, timedOut: boolean }>} `output` has stdout and stderr mixed; code 127 = not found
 */
export async function run(command, options = {}) {
  const [file = "", ...args] = command;
  if (options.log) await mkdir(dirname(options.log), { recursive: true });
  const log = options.log ? createWriteStream(options.log, { flags: "a" }) : undefined;
  log?.write(`$ ${commandLine(command)}\n`);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(file, args, {
        cwd: options.cwd,
        env: options.env,
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      let output = "";
      let timedOut = false;
      // The child leads a process group of its own, so that what it started ends with it.
      const end = (/** @type {NodeJS.Signals} */ name) => {
        try {
          if (child.pid) process.kill(-child.pid, name);
        } catch {
          // Already gone.
        }
      };
      const stop = () => {
        end("SIGTERM");
        setTimeout(() => end("SIGKILL"), 3_000).unref();
      };
      const timer = setTimeout(
        () => {
          timedOut = true;
          stop();
        },
        options.deadline ?? 30 * 60_000,
      );
      const forward = () => stop();
      process.once("SIGINT", forward).once("SIGTERM", forward);
      options.signal?.addEventListener("abort", stop, { once: true });
      for (const stream of [child.stdout, child.stderr]) {
        let rest = "";
        stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
          output = (output + text).slice(-1_000_000);
          log?.write(text);
          const lines = (rest + text).split(/[\r\n]+/);
          rest = lines.pop() ?? "";
          for (const line of lines) if (line.trim()) options.onLine?.(line);
        });
      }
      const settle = () => {
        clearTimeout(timer);
        process.off("SIGINT", forward).off("SIGTERM", forward);
        options.signal?.removeEventListener("abort", stop);
      };
      child.on("error", (error) => {
        settle();
        const missing = "code" in error && error.code === "ENOENT";
        if (missing) resolve({ code: 127, output: `${file}: not found`, timedOut: false });
        else reject(new Trouble(`${file} could not be started: ${error.message}`));
      });
      child.on("close", (code) => {
        settle();
        resolve({ code: code ?? 128, output, timedOut });
      });
    });
  } finally {
    log?.end();
  }
}

/**
 * Run a program that has to succeed.
 * @param {string} tried what is being done, for the error
 * @param {readonly string[]} command
 * @param {RunOptions} [options]
 * @returns {Promise<string>} its output
 * @throws {Trouble} with the last lines of its output
 */
export async function must(tried, command, options = {}) {
  const { code, output, timedOut } = await run(command, options);
  if (code === 0 && !timedOut) return output;
  const how = timedOut ? "it did not end in time" : `exit code ${code}`;
  const tail = output
    .split(/[\r\n]+/)
    .filter((line) => line.trim())
    .slice(-8)
    .map((line) => `  ${line}`)
    .join("\n");
  const more = options.log ? `\nAll of its output: ${options.log}` : "";
  throw new Trouble(
    `${tried} failed: ${commandLine(command.slice(0, 6))}${command.length > 6 ? " …" : ""}: ${how}\n${tail}${more}`,
  );
}
