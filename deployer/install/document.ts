import { z } from "zod";
import { marker } from "./decide.ts";

const derivation = z.strictObject({ drvPath: z.string(), out: z.string() });

/** What the install command reads on stdin: data, among it secrets, so it is never an argument. */
export const installDocument = z.strictObject({
  target: z.strictObject({
    stack: z.string(),
    host: z.string(),
    address: z.string(),
    port: z.int(),
    user: z.string(),
    loginKey: z.string().optional(),
  }),
  marker,
  /** Public key of the throw-away identity the base image boots with. */
  bootstrapHostKey: z.string(),
  /** The installed system's identity; the private half is a secret. */
  lastingHostKey: z.strictObject({ publicKey: z.string(), privateKey: z.string() }),
  /** Who may log in as root on the installed system. */
  authorizedKeys: z.array(z.string()).min(1),
  toplevel: derivation,
  diskoScript: derivation,
  kexecTarball: derivation.nullable(),
  /** Seconds for the whole install. */
  deadline: z.int().positive(),
});

export type InstallDocument = z.infer<typeof installDocument>;
