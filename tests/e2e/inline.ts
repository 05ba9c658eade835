import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { EngineRun } from "../../lab/journey/pulumi.ts";
import { checkout } from "../../lab/setup/places.mjs";

const script = fileURLToPath(new URL("./inline-up.ts", import.meta.url));

/**
 * `pulumi up` with the program in a process of ours in place of the language host's: error hooks, which advise people, reach the engine
 * only through language hosts newer than the lab can build.
 * @param env of the lab
 * @param exclude URN patterns of what is left out, with everything that depends on it
 */
export async function inlineUp(env: Record<string, string>, exclude: string[]): Promise<EngineRun> {
  const ended = await execa(process.execPath, [script, ...exclude], {
    ...{ cwd: checkout, env, reject: false, timeout: 600_000 },
  });
  return { exitCode: ended.exitCode ?? 128, output: `${ended.stdout}\n${ended.stderr}` };
}
