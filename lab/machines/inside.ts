import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { CommandFailed } from "./run.ts";

/** How long a short script inside a machine may take. */
const LIMIT_MS = 45_000;

/** Arguments of nsenter that see a machine as its own processes do. */
function entering(init: number): string[] {
  return [`--target=${init}`, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"];
}

/**
 * Runs a program of a running machine inside it.
 * @param init the machine's init, as this machine numbers it
 * @returns exit code, and the last line it said
 */
async function runInside(init: number, command: string[], input = ""): Promise<[number | null, string]> {
  const result = await execa("nsenter", [...entering(init), "--", ...command], {
    reject: false,
    timeout: LIMIT_MS,
    input,
    extendEnv: false,
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  return [result.exitCode ?? null, result.stderr.trim().split("\n").at(-1) ?? ""];
}

/**
 * Runs a script of the folder `guest` inside a machine.
 * @returns its exit code, 0 or one of `answers`
 * @throws {CommandFailed} with what it said, on any other
 */
export async function scriptInside(
  init: number,
  name: string,
  args: string[],
  answers: number[] = [],
): Promise<number> {
  const script = await readFile(join(import.meta.dirname, "guest", name), "utf8");
  const [exit, said] = await runInside(init, ["sh", "-s", "--", ...args], script);
  if (exit !== null && (exit === 0 || answers.includes(exit))) return exit;
  throw new CommandFailed(`${name} in the machine: ${said || `exit ${exit}`}`);
}

/** Has a machine's networkd read its files anew. One that does not run yet reads them when it starts. */
export async function reloadNetworkd(init: number): Promise<void> {
  await runInside(init, ["networkctl", "reload"]);
}
