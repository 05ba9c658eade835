import { z } from "zod";

/** Bytes that systemd hands to a service as credentials, all of them together. */
export const credentialBytes = 1024 * 1024;

/** What stands for a value that is encrypted in the stack's file, where that is read as it is. */
export const encrypted = "encrypted in the stack's file";

/** A key of `berth:secrets`. */
export const secretName = z
  .string()
  .regex(
    /^[A-Za-z]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$/,
    "a secret is named by 1 to 64 letters, digits and inner - _, a letter first",
  )
  .meta({ example: "db-url" });

/** A unit of systemd's without ".service". Also a folder's name on the host. */
export const serviceName = z
  .string()
  .max(200)
  .regex(
    /^(?!.*\.service$)[A-Za-z0-9_][A-Za-z0-9_:@.-]*$/,
    "a service is named by its unit without .service: letters, digits and : _ @ . -",
  )
  .meta({ example: "site" });

/** What a service finds as a file in $CREDENTIALS_DIRECTORY. */
export const credentialName = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/,
    "a credential is named by 1 to 128 letters, digits and _ . -, no . or - first",
  )
  .meta({ example: "DATABASE_URL" });

/** Which secret each service of a host gets as which credential: `{ site: { DATABASE_URL: "db-url" } }`. */
export const hostSecrets = z.record(serviceName, z.record(credentialName, secretName));

/** `berth:secrets`: what is secret, by name. */
export const secretValues = z.record(
  secretName,
  z.string("a text is needed; put quotes round a number").min(1, "it is empty"),
);

export type HostSecrets = z.infer<typeof hostSecrets>;

/** A host's credentials by service, each service's sorted; services without any are left out. */
export function credentialNames(secrets: HostSecrets): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(secrets)
      .map(([service, credentials]): [string, string[]] => [service, Object.keys(credentials).toSorted()])
      .filter(([, names]) => names.length > 0)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}
