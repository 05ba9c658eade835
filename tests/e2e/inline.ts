import { CommandError } from "@pulumi/pulumi/automation/errors.js";
import { LocalWorkspace } from "@pulumi/pulumi/automation/localWorkspace.js";
import { vi } from "vitest";
import { STACK } from "../../lab/environment.ts";
import type { EngineRun } from "../../lab/journey/pulumi.ts";
import { checkout } from "../../lab/setup/places.mjs";

/**
 * `pulumi up` with the program in this process in place of the language host's: error hooks, which advise people, reach the engine only
 * through language hosts newer than the lab can build.
 * @param env of the lab; it has to be in `process.env`, too, where the program looks
 * @param exclude URN patterns of what is left out, with everything that depends on it
 */
export async function inlineUp(env: Record<string, string>, exclude: string[]): Promise<EngineRun> {
  const program = () => {
    vi.resetModules();
    return import("../../index.ts");
  };
  const stack = await LocalWorkspace.selectStack(
    { stackName: STACK, projectName: "berth", program },
    { workDir: checkout, envVars: env },
  );
  let output = "";
  const onOutput = (text: string) => {
    output += text;
  };
  try {
    await stack.up({ exclude, excludeDependents: true, color: "never", onOutput, onError: onOutput });
    return { exitCode: 0, output };
  } catch (error) {
    if (error instanceof CommandError) return { exitCode: 1, output };
    throw error;
  }
}
