import { allConfig } from "@pulumi/pulumi/runtime/index.js";
import { type ParsedConfig, parseStackConfig } from "../config/stack.ts";

const prefix = "berth:";
/** Where the engine hands the configuration to a program, in the clear, and the keys that have a secret in them. */
const handed = { config: "PULUMI_CONFIG", secretKeys: "PULUMI_CONFIG_SECRET_KEYS" };

/** The stack's `berth:` keys, parsed. Values that are maps or lists reach the program as JSON text. */
export function readStackConfig(stack: string): ParsedConfig {
  const raw: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(allConfig())) {
    if (key.startsWith(prefix)) raw[key.slice(prefix.length)] = parse(text);
  }
  const secretKeys = parse(process.env[handed.secretKeys] ?? "");
  // Pulumi has read them; every program that this one starts, Nix first, would have them in its environment.
  for (const name of Object.values(handed)) delete process.env[name];
  const { config, problems } = parseStackConfig(stack, raw);
  const inTheClear =
    Object.keys(config.secrets).length > 0 &&
    Array.isArray(secretKeys) &&
    !secretKeys.includes(`${prefix}secrets`);
  if (!inTheClear) return { config, problems };
  const problem = {
    path: `${prefix}secrets`,
    message:
      "is written in the clear, for everybody who reads the file; set each again as a secret, and change what was in the clear",
    example: `pulumi config set --secret --path 'berth:secrets.${Object.keys(config.secrets)[0]}'`,
  };
  return { config, problems: [...problems, problem] };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
