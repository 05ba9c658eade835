import { z } from "zod";
import { builderMachine } from "../nix/builder.ts";
import { marker } from "./facts.ts";

const derivation = z.strictObject({ drvPath: z.string(), out: z.string() });

/** Seconds that each wait has at most; the whole install has `deadline`. */
export const deadlines = z.strictObject({
  /** Until the machine is reached at first: one that was just ordered boots yet. */
  look: z.int().positive(),
  /** A snapshot before a reinstall. */
  snapshot: z.int().positive(),
  kexec: z.int().positive(),
  disko: z.int().positive(),
  install: z.int().positive(),
  reboot: z.int().positive(),
  /** From the restart until the new system answers. */
  boot: z.int().positive(),
  /** Until its network is up. */
  network: z.int().positive(),
});
export type Deadlines = z.infer<typeof deadlines>;

/** Seconds that do for a slow line: a kexec tarball has 350 MB, a system may have two GB. */
export const usualDeadlines: Deadlines = {
  look: 600,
  snapshot: 1_800,
  kexec: 900,
  disko: 600,
  install: 1_800,
  reboot: 120,
  boot: 600,
  network: 60,
};

/** What the install command reads on stdin: data, among it secrets, so it is never an argument. */
export const installDocument = z.strictObject({
  target: z.strictObject({
    stack: z.string(),
    host: z.string(),
    address: z.string(),
    port: z.int(),
    /** Before the installation; one that is not root's needs sudo without a password. The installed system has root alone. */
    user: z.string(),
    loginKey: z.string().optional(),
    /** The machine that every connection goes through. */
    jump: z
      .strictObject({ address: z.string(), port: z.int(), user: z.string(), hostKey: z.string() })
      .optional(),
  }),
  marker,
  /** Whether the stack has ordered the machine: nothing on it is then anybody's data. */
  ordered: z.boolean(),
  /** Nix system of the toplevel, e.g. "x86_64-linux". */
  system: z.string(),
  /** What the system needs at least, in GB; null where the flake does not say. */
  requires: z.strictObject({ disk: z.number().nullable(), memory: z.number().nullable() }),
  /** Devices that the disk layout partitions and formats. */
  disks: z.array(z.string()),
  /** Disks of a machine that was ordered elsewhere that may be wiped: by-id names or serial numbers. */
  erase: z.array(z.string()),
  /** The word that wipes an installed host: for one server, once a value. */
  reinstall: z.strictObject({ server: z.string(), value: z.string(), snapshot: z.boolean() }).nullable(),
  /** The server whose restored snapshot this one is. */
  adopt: z.string().nullable(),
  /** Hetzner's API, for snapshots and volumes of a reinstall. */
  hetzner: z.strictObject({ token: z.string(), endpoint: z.string() }).nullable(),
  /** Public addresses that the installed system shall have; empty where it has none. */
  addresses: z.strictObject({ ipv4: z.string(), ipv6: z.string() }),
  /** Whether the machine fetches from binary caches itself; without a way out, all of it comes from here. */
  substitutes: z.boolean(),
  /** Public key the machine answers with before it is installed: a throw-away one where the stack has ordered it. */
  bootstrapHostKey: z.string(),
  /** The installed system's identity; the private half is a secret. */
  lastingHostKey: z.strictObject({ publicKey: z.string(), privateKey: z.string() }),
  /** The installed system's age key. Secret. */
  ageKey: z.string(),
  /** Of a host with an encrypted disk. */
  encryption: z
    .strictObject({
      /** Where the disk layout reads the passphrase, in the installer. */
      keyFile: z.string(),
      /** Secret. */
      passphrase: z.string(),
      /** The ssh server that waits for the passphrase at each boot. */
      unlock: z.strictObject({
        port: z.int(),
        hostKeyFile: z.string(),
        authorizedKeysFile: z.string(),
        /** The private half is a secret, if one that lies unencrypted on the host's boot partition. */
        hostKey: z.strictObject({ publicKey: z.string(), privateKey: z.string() }),
      }),
    })
    .optional(),
  /** Who may log in as root on the installed system. */
  authorizedKeys: z.array(z.string()).min(1),
  toplevel: derivation,
  diskoScript: derivation,
  kexecTarball: derivation.nullable(),
  /** The machine that builds them; where absent, this one does. */
  builder: builderMachine.optional(),
  /** Seconds for the whole install. */
  deadline: z.int().positive(),
  deadlines,
});

export type InstallDocument = z.infer<typeof installDocument>;
