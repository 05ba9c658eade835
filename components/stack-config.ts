import { readFileSync } from "node:fs";
import { allConfig } from "@pulumi/pulumi/runtime/config.js";
import { type ReadConfig, readConfig, valueIn } from "../config/read-config.ts";

/** Where the engine hands the configuration to a program, in the clear, and the keys that have a secret in them. */
const handed = { config: "PULUMI_CONFIG", secretKeys: "PULUMI_CONFIG_SECRET_KEYS" };

/** The stack's `berth:` keys as the engine hands them over, parsed, with what the files say that they name. */
export function readStackConfig(stack: string): ReadConfig {
  const secretKeys = valueIn(process.env[handed.secretKeys] ?? "");
  // Pulumi has read them; every program that this one starts, Nix first, would have them in its environment.
  for (const name of Object.values(handed)) delete process.env[name];
  return readConfig(stack, allConfig(), {
    isSecret: (key) => !Array.isArray(secretKeys) || secretKeys.includes(key),
    readFile: (file) => readFileSync(file, "utf8"),
  });
}
