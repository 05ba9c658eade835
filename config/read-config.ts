import { writeOutFlyTomls } from "./fly-files.ts";
import { ConfigurationError } from "./problems.ts";
import { type ParsedConfig, parseStackConfig } from "./stack.ts";

const prefix = "berth:";

export interface ReadConfig extends ParsedConfig {
  /** What a person should know of what was read: one line each. */
  notes: string[];
}

export interface ReadConfigOptions {
  /** Whether a key, e.g. "berth:secrets", has a secret in it that is encrypted in the stack's file. */
  isSecret: (key: string) => boolean;
  /** The text of a file that the configuration names; its error is for people. */
  readFile: (file: string) => string;
}

/**
 * A stack's configuration, parsed, with what the files say that it names. Pure but for `readFile`.
 * @param values by whole keys, e.g. "berth:hosts"; maps and lists are JSON text there, and keys of others are passed over
 */
export function readConfig(
  stack: string,
  values: Readonly<Record<string, string>>,
  { isSecret, readFile }: ReadConfigOptions,
): ReadConfig {
  const raw: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(values)) {
    if (key.startsWith(prefix)) raw[key.slice(prefix.length)] = valueIn(text);
  }
  const written = writeOutFlyTomls(raw, readFile);
  if (written.problems.length > 0) throw new ConfigurationError(stack, written.problems);
  const { config, problems } = parseStackConfig(stack, written.raw);
  const firstSecret = Object.keys(config.secrets)[0];
  const inTheClear = [
    ...(firstSecret !== undefined && !isSecret(`${prefix}secrets`)
      ? [{ key: "secrets", order: `--path 'berth:secrets.${firstSecret}'` }]
      : []),
    ...(config.flyToken !== undefined && !isSecret(`${prefix}flyToken`)
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

/** What a value is: maps, lists, numbers and truth values come as JSON text. */
export function valueIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
