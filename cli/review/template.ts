import { stringify } from "yaml";
import { type ShortLived, stackOfPull } from "../../config/short-lived.ts";
import { Failure } from "../../deployer/failure.ts";
import { parseYaml } from "../project.ts";

/** A stack's file, made from a template's. */
export interface DerivedStack {
  /** The file, for Pulumi. */
  text: string;
  /** The same as values. */
  content: Record<string, unknown>;
  /** As `pulumi stack init` takes it; undefined where the template names none. */
  secretsProvider: string | undefined;
}

/** Pulumi's reader takes a plain time for a time, and hands it on in other words. */
const quoted = { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" } as const;

/**
 * The file of a short-lived stack. Its secrets stay encrypted as they are in the template: with the same key. `<stack>` and `<number>` in
 * names and values become the stack's. Pure; throws a Failure where the template is not one.
 * @param from what the template is called, for errors
 */
export function deriveStack(template: string, from: string, terms: ShortLived): DerivedStack {
  const refuse = (cameBack: string, next: string): Failure =>
    new Failure({ tried: `make stack ${terms.stack} from ${from}`, cameBack, next });
  const { value, problems } = parseYaml(template);
  if (problems.length > 0) throw refuse(problems.join("; "), "mend the file");
  const file = mapOf(value);
  const config = mapOf(file["config"]);
  if ("berth:shortLived" in config)
    throw refuse("it is a short-lived stack's own file", "name a template with --template");
  const held = file["encryptionsalt"] !== undefined || file["encryptedkey"] !== undefined;
  if (hasCipher(config) && !held)
    throw refuse(
      "its secrets are encrypted by Pulumi Cloud, which lets no other stack read them",
      "pulumi stack change-secrets-provider passphrase, or one of a cloud's, for the template",
    );
  const content = {
    ...file,
    config: {
      ...mapOf(named(config, terms)),
      "berth:protect": false,
      "berth:shortLived": { ...terms },
    },
  };
  const provider = file["secretsprovider"];
  return {
    text: `# Made by berth review up from ${from}; a change here is lost with the next one.\n${stringify(content, quoted)}`,
    content,
    secretsProvider:
      typeof provider === "string"
        ? provider
        : file["encryptionsalt"] === undefined
          ? undefined
          : "passphrase",
  };
}

/** With the stack's name and number in place of what stands for them, in keys and in values. */
function named(value: unknown, { stack, pull }: ShortLived): unknown {
  const fill = (text: string) => text.replaceAll("<stack>", stack).replaceAll("<number>", String(pull));
  const walk = (inner: unknown): unknown => {
    if (typeof inner === "string") return fill(inner);
    if (Array.isArray(inner)) return inner.map(walk);
    if (typeof inner !== "object" || inner === null || isCipher(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, below]) => [fill(key), walk(below)]));
  };
  return walk(value);
}

const isCipher = (value: object): boolean => Object.keys(value).join() === "secure";

function hasCipher(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isCipher(value) || Object.values(value).some(hasCipher);
}

const mapOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};

/** The terms of a stack that is to live for so long from now on. Pure. */
export const termsFor = (pull: number, id: string, hours: number, now: Date): ShortLived => ({
  stack: stackOfPull(pull),
  pull,
  id,
  until: new Date(now.getTime() + hours * 3_600_000).toISOString(),
});
