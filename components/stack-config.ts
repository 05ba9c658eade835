import { allConfig } from "@pulumi/pulumi/runtime/index.js";
import { type ParsedConfig, parseStackConfig } from "../config/stack.ts";

const prefix = "berth:";

/** The stack's `berth:` keys, parsed. Values that are maps or lists reach the program as JSON text. */
export function readStackConfig(stack: string): ParsedConfig {
  const raw: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(allConfig())) {
    if (key.startsWith(prefix)) raw[key.slice(prefix.length)] = parse(text);
  }
  return parseStackConfig(stack, raw);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
