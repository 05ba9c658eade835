import { readFileSync } from "node:fs";
import { allConfig } from "@pulumi/pulumi/runtime/index.js";
import { writeOutFlyTomls } from "../config/fly-files.ts";
import { ConfigurationError } from "../config/problems.ts";
import { type ParsedConfig, parseStackConfig } from "../config/stack.ts";

const prefix = "berth:";
/** Where the engine hands the configuration to a program, in the clear, and the keys that have a secret in them. */
const handed = { config: "PULUMI_CONFIG", secretKeys: "PULUMI_CONFIG_SECRET_KEYS" };

export interface ReadConfig extends ParsedConfig {
  /** What a person should know of what was read: one line each. */
  notes: string[];
}

/**
 * The stack's `berth:` keys, parsed, with what the files say that they name. Values that are maps or lists reach the program as JSON text.
 */
export function readStackConfig(stack: string): ReadConfig {
  const raw: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(allConfig())) {
    if (key.startsWith(prefix)) raw[key.slice(prefix.length)] = parse(text);
  }
  const secretKeys = parse(process.env[handed.secretKeys] ?? "");
  // Pulumi has read them; every program that this one starts, Nix first, would have them in its environment.
  for (const name of Object.values(handed)) delete process.env[name];
  const written = writeOutFlyTomls(raw, (file) => readFileSync(file, "utf8"));
  if (written.problems.length > 0) throw new ConfigurationError(stack, written.problems);
  const { config, problems } = parseStackConfig(stack, written.raw);
  const isSecret = (key: string) => !Array.isArray(secretKeys) || secretKeys.includes(`${prefix}${key}`);
  const firstSecret = Object.keys(config.secrets)[0];
  const inTheClear = [
    ...(firstSecret !== undefined && !isSecret("secrets")
      ? [{ key: "secrets", order: `--path 'berth:secrets.${firstSecret}'` }]
      : []),
    ...(config.flyToken !== undefined && !isSecret("flyToken")
      ? [{ key: "flyToken", order: "berth:flyToken" }]
      : []),
  ].map(({ key, order }) => ({
    path: `${prefix}${key}`,
    message:
      "is written in the clear, for everybody who reads the file; set each again as a secret, and change what was in the clear",
    example: `pulumi config set --secret ${order}`,
  }));
  return { config, problems: [...problems, ...inTheClear], notes: written.notes };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
