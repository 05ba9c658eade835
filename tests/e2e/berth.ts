import { join } from "node:path";
import { execa } from "execa";
import { STACK } from "../../lab/environment.ts";
import { checkout } from "../../lab/setup/places.mjs";

/** How a run of the command ended; `output` is what it printed and said, in that order. */
interface BerthRun {
  exitCode: number;
  output: string;
  stdout: string;
}

/** The command `berth` on the lab's stack, as people run it in the project's folder. */
export async function berth(env: Record<string, string>, ...args: string[]): Promise<BerthRun> {
  const ended = await execa(join(checkout, "bin/berth"), ["-s", STACK, ...args], {
    cwd: checkout,
    env,
    reject: false,
    all: true,
    timeout: 900_000,
    forceKillAfterDelay: 20_000,
  });
  return { exitCode: ended.exitCode ?? 128, output: ended.all, stdout: ended.stdout };
}
