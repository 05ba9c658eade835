import { z } from "zod";
import { jsonOrUndefined } from "../../deployer/json.ts";

const exported = z.object({
  deployment: z.object({
    resources: z
      .array(z.object({ type: z.string(), inputs: z.object({ stdin: z.unknown().optional() }).nullish() }))
      .nullish(),
  }),
});
const secret = z.object({ plaintext: z.string() });
const document = z.object({ target: z.object({ host: z.string() }), authorizedKeys: z.array(z.string()) });

/**
 * The lines of authorized_keys that each host was installed with, from the stack's state with its secrets. Hosts of another version of
 * Berth, and those that are not installed, are left out. Pure.
 */
export function installedKeys(state: string): Record<string, string[]> {
  const resources = exported.safeParse(jsonOrUndefined(state)).data?.deployment.resources ?? [];
  const found = resources
    .filter(({ type }) => type === "command:local:Command")
    .flatMap(({ inputs }) => {
      const plain = secret.safeParse(inputs?.stdin);
      const text = plain.success ? jsonOrUndefined(plain.data.plaintext) : inputs?.stdin;
      const read = document.safeParse(typeof text === "string" ? jsonOrUndefined(text) : undefined);
      return read.success ? [[read.data.target.host, read.data.authorizedKeys] as const] : [];
    });
  return Object.fromEntries(found);
}
