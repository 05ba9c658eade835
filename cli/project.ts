import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseDocument } from "yaml";
import { encrypted } from "../config/secrets.ts";
import { Failure, messageOf } from "../deployer/failure.ts";

/** A Pulumi project on this machine. */
export interface Project {
  /** Where Pulumi.yaml is. */
  folder: string;
  name: string;
  /** Where the stacks' files are. */
  stacksIn: string;
}

/** The project of a folder, or of the nearest one above it that is one; undefined where there is none. */
export function findProject(from: string): Project | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const file = ["Pulumi.yaml", "Pulumi.yml"].map((name) => join(folder, name)).find(existsSync);
    if (file !== undefined) {
      const said = readYaml(file).value as { name?: unknown; stackConfigDir?: unknown } | null;
      return {
        folder,
        name: typeof said?.name === "string" ? said.name : "",
        stacksIn: resolve(folder, typeof said?.stackConfigDir === "string" ? said.stackConfigDir : "."),
      };
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/** See `findProject`. Throws a Failure where there is none. */
export function projectOf(from: string): Project {
  const project = findProject(from);
  if (project) return project;
  throw new Failure({
    tried: "find the Pulumi project",
    cameBack: `neither ${resolve(from)} nor a folder above it has a Pulumi.yaml`,
    next: "go to the project's folder, or make a project here: berth init",
  });
}

/** Names of the stacks that have a file, in order. */
export const stacksOf = ({ stacksIn }: Project): string[] =>
  readdirSync(stacksIn)
    .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();

/** A stack's file: the one that Pulumi would read. */
export const stackFileOf = ({ stacksIn }: Project, stack: string): string =>
  process.env["PULUMI_OPTION_CONFIG_FILE"] ||
  // An organisation's name is no part of the file's.
  join(stacksIn, `Pulumi.${stack.split("/").at(-1)}.yaml`);

/** The content of a file of YAML, and what is wrong with it, each with its line. */
export function readYaml(file: string): { value: unknown; problems: string[] } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure({
      tried: `read ${file}`,
      cameBack: messageOf(error),
      next: "make the file, or name another stack with -s; berth init writes one",
    });
  }
  return parseYaml(text);
}

/** See `readYaml`. Pure. */
export function parseYaml(text: string): { value: unknown; problems: string[] } {
  const document = parseDocument(text, { prettyErrors: true });
  const problems = document.errors.map(({ message }) => message.split("\n")[0]?.replace(/:$/, "") ?? "");
  return { value: problems.length > 0 ? undefined : document.toJS(), problems };
}

export interface StackFile {
  /** By whole keys, e.g. "berth:hosts"; maps and lists as JSON text, as the engine hands them over. */
  values: Record<string, string>;
  /** Keys with an encrypted value in them. */
  secretKeys: string[];
}

/** The configuration in a stack's file, with `encrypted` in the place of what is. Pure. */
export function stackFile(content: unknown, project: string): StackFile {
  const values: Record<string, string> = {};
  const secretKeys: string[] = [];
  for (const [key, value] of Object.entries(mapOf(mapOf(content)["config"]))) {
    const whole = key.includes(":") ? key : `${project}:${key}`;
    const { plain, secret } = withoutCiphers(value);
    if (secret) secretKeys.push(whole);
    values[whole] = typeof plain === "string" ? plain : JSON.stringify(plain ?? null);
  }
  return { values, secretKeys };
}

function withoutCiphers(value: unknown): { plain: unknown; secret: boolean } {
  if (Array.isArray(value)) {
    const items = value.map(withoutCiphers);
    return { plain: items.map(({ plain }) => plain), secret: items.some(({ secret }) => secret) };
  }
  if (typeof value !== "object" || value === null) return { plain: value, secret: false };
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "secure") return { plain: encrypted, secret: true };
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutCiphers(inner)] as const);
  return {
    plain: Object.fromEntries(entries.map(([key, { plain }]) => [key, plain])),
    secret: entries.some(([, { secret }]) => secret),
  };
}

const mapOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
