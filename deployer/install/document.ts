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
  /** Whether the stack has ordered the machine: nothing on it is then anybody's data. */
  ordered: z.boolean(),
  /** Devices that the disk layout partitions and formats. */
  disks: z.array(z.string()),
  /** Disks of a machine that was ordered elsewhere that may be wiped: by-id names or serial numbers. */
  erase: z.array(z.string()),
  /** Public key the machine answers with before it is installed: a throw-away one where the stack has ordered it. */
  bootstrapHostKey: z.string(),
  /** The installed system's identity; the private half is a secret. */
  lastingHostKey: z.strictObject({ publicKey: z.string(), privateKey: z.string() }),
  /** The installed system's age key. Secret. */
  ageKey: z.string(),
  /** Who may log in as root on the installed system. */
  authorizedKeys: z.array(z.string()).min(1),
  toplevel: derivation,
  diskoScript: derivation,
  kexecTarball: derivation.nullable(),
  /** Seconds for the whole install. */
  deadline: z.int().positive(),
});

export type InstallDocument = z.infer<typeof installDocument>;
