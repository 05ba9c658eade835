import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { Failure } from "../deployer/failure.ts";
import { inTerminal } from "./in-terminal.ts";
import type { Verbs } from "./verbs.ts";

/** Where a checkout has the lab; the npm package has none: it needs root and what Berth is developed with. */
const labOfCheckout = fileURLToPath(new URL("../lab/setup/lab.mjs", import.meta.url));

export function addLab(program: Command, { end }: Verbs): void {
  program
    .command("lab [args...]")
    .description(
      "a cloud on this machine to try things in: up, status, env, ssh, down, reset; in a checkout of Berth alone",
    )
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: string[]) => end(await lab(args)));
}

/**
 * What `npm run lab` does, from anywhere.
 * @param script the lab's own command
 * @returns its exit code
 */
export async function lab(args: readonly string[], script = labOfCheckout): Promise<number> {
  if (!existsSync(script))
    throw new Failure({
      tried: `berth lab ${args.join(" ")}`.trim(),
      cameBack: "this is Berth's npm package, and the lab is in its repository alone",
      next: "clone that, and run npm start there: it sets up what the lab needs, and shows an update from beginning to end",
    });
  return await inTerminal(process.execPath, [script, ...args]);
}
