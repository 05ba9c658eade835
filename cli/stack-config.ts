import { readFileSync } from "node:fs";
import { z } from "zod";
import { writeOutFlyTomls } from "../config/fly-files.ts";
import { ConfigurationError } from "../config/problems.ts";
import { parseStackConfig, type StackConfig } from "../config/stack.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import { pulumi } from "./pulumi.ts";

const prefix = "berth:";
const printed = z.record(z.string(), z.object({ value: z.string().optional() }));

/** The `berth:` keys that `pulumi config --json` has printed; what it keeps to itself is left out. Pure. */
export function berthKeys(json: string): Record<string, unknown> {
  const values = printed.safeParse(jsonOrUndefined(json)).data ?? {};
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, { value }]) =>
      key.startsWith(prefix) && value !== undefined
        ? [[key.slice(prefix.length), jsonOrUndefined(value) ?? value]]
        : [],
    ),
  );
}

/**
 * A stack's configuration, as the program reads it. Throws one error with every problem.
 * @param showSecrets with the contents of `berth:secrets`; there are none without
 */
export async function readStackConfig(
  stack: string,
  { showSecrets = false }: { showSecrets?: boolean } = {},
): Promise<StackConfig> {
  const json = await pulumi(["config", "--json", ...(showSecrets ? ["--show-secrets"] : [])], stack);
  const { raw, problems } = writeOutFlyTomls(berthKeys(json), (file) => readFileSync(file, "utf8"));
  if (problems.length > 0) throw new ConfigurationError(stack, problems);
  const parsed = parseStackConfig(stack, raw);
  if (parsed.problems.length > 0) throw new ConfigurationError(stack, parsed.problems);
  return parsed.config;
}
