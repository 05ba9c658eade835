import { z } from "zod";
import { healthCheck } from "./manifest.ts";
import { reboot } from "./reboot.ts";
import { releaseRules } from "./release.ts";
import { hostSecrets, secretName } from "./secrets.ts";

export const cidr = z
  .union([z.cidrv4(), z.cidrv6()], "a network such as 203.0.113.0/24 or 2001:db8::/32")
  .meta({ example: "203.0.113.0/24" });
export const publicKey = z
  .string()
  .regex(
    /^(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+( .*)?$/,
    "a public key in OpenSSH's one-line form",
  )
  .meta({ example: "ssh-ed25519 AAAA… ada@example.org" });
export const domain = z
  .string()
  .max(253)
  .regex(
    /^(?=.*[a-z])([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "a domain in lower case, without scheme or path",
  )
  .meta({ example: "example.org" });
/** Also the server's name, so Hetzner's rule: a host name label. */
export const hostName = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
    "a host is named by 1 to 32 letters a-z, digits and inner hyphens",
  );

export const name = (what: string) =>
  z
    .string()
    .regex(
      /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
      `${what} is named by 1 to 32 letters a-z, digits and inner hyphens`,
    );
export const port = z
  .int("a port from 1 to 65535")
  .min(1, "a port from 1 to 65535")
  .max(65535, "a port from 1 to 65535");
const privateIp = z.ipv4("an IPv4 address such as 10.0.0.2").meta({ example: "10.0.0.2" });

/** A key or value of a label: up to 63 letters, digits and inner `-_.`; a key may have a DNS prefix. */
const labelText = "[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?";
const labels = z.record(
  z
    .string()
    .regex(
      new RegExp(`^(?!hetzner\\.cloud/)([a-z0-9.-]{1,253}/)?${labelText}$`),
      "a label's key has up to 63 letters, digits and inner - _ . and does not begin with hetzner.cloud/",
    ),
  z
    .string()
    .regex(new RegExp(`^(${labelText})?$`), "a label's value has up to 63 letters, digits and inner - _ ."),
);

/** Whether a type, location or image is sold is the catalogue's to say: `config/checks.ts`. */
export const server = z.strictObject({
  /** Hetzner's name of the server type. A change powers the server off and on. */
  type: z.string().min(1, "a name is needed").meta({ example: "cx23" }),
  /** Hetzner's name of the location. */
  location: z.string().min(1, "a name is needed").meta({ example: "fsn1" }),
  /** Base image the installation starts from. Only used by the order of a server. */
  image: z
    .string()
    .regex(/^[a-z]+-[a-z0-9.-]+$/, "the name of a system image")
    .default("debian-13")
    .meta({ example: "debian-13" }),
  /** Have a public IPv4 address, which costs; one of the two families is needed. */
  ipv4: z.boolean().default(true),
  /** Have a public IPv6 network. */
  ipv6: z.boolean().default(true),
  /** Daily backups by Hetzner, for a fifth of the server's price. Switching them off deletes them. They die with the server and leave volumes out. */
  backups: z.boolean().default(false),
  /** The word without which backups are not switched off: the ones there are go with it. */
  deleteBackups: z.boolean().default(false),
  /** Name of a placement group: servers of one group run on different machines. */
  placement: name("a placement group").optional(),
  labels: labels.default({}),
  /** Keys the base image trusts beside the stack's own: names of keys at Hetzner, or public keys. Only used by the order of a server. */
  sshKeys: z.array(z.string().min(1)).default([]).meta({ example: "[ada-laptop]" }),
});

const diskId = z
  .string()
  .regex(
    /^(\/dev\/disk\/by-id\/)?[A-Za-z0-9][A-Za-z0-9._:+-]*$/,
    "a disk's name in /dev/disk/by-id or its serial number",
  );

const ed25519Wanted = "an ed25519 host key is needed; berth trust ADDRESS shows what a machine answers with";
export const ed25519Key = z
  .string(ed25519Wanted)
  .regex(/^ssh-ed25519 [A-Za-z0-9+/=]+( .*)?$/, ed25519Wanted)
  .meta({ example: "ssh-ed25519 AAAA…" });
export const userName = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "a user's name: letters a-z, digits, - and _, 32 at most");

/** A machine that was ordered elsewhere. */
export const existing = z.strictObject({
  address: z.union([z.ipv4(), z.ipv6(), domain], "an address or a domain").meta({ example: "198.51.100.7" }),
  /** Port of ssh, the same before, during and after the installation. */
  port: port.default(22),
  /** The ed25519 host key it answers with before it is installed. It is who the machine is: leave it as it is afterwards. */
  hostKey: ed25519Key,
  /** IPv6 address, where it has one beside `address`. */
  ipv6: z.ipv6("an IPv6 address").optional(),
  /**
   * Disks whose data the installation may wipe, each by its name in /dev/disk/by-id or its serial number. Without the word nothing
   * that was ordered elsewhere is ever wiped; it has no effect on a machine that is installed.
   */
  erase: z.array(diskId).default([]).meta({ example: "[ata-Samsung_SSD_870_S62ANJ0R1234]" }),
  /** Who logs in before the machine is installed. Not root: someone who may sudo without a password. */
  user: userName.default("root").meta({ example: "admin" }),
  /** A machine that every connection goes through, before and after the installation; the stack's login key opens it. */
  jump: z
    .strictObject({
      address: z
        .union([z.ipv4(), z.ipv6(), domain], "an address or a domain")
        .meta({ example: "198.51.100.1" }),
      port: port.default(22),
      user: userName.default("root").meta({ example: "ada" }),
      /** Its ed25519 host key. */
      hostKey: ed25519Key,
    })
    .optional()
    .meta({ example: "{ address: 198.51.100.1, user: ada, hostKey: ssh-ed25519 AAAA… }" }),
  /** The machine has no way out: the installer and the whole system come from where pulumi runs, nothing from a cache. */
  offline: z.boolean().default(false),
});

/** The word that wipes an installed host. */
export const reinstall = z.strictObject({
  /** Id of the server that is meant, in quotes; another server than this is left alone. */
  server: z
    .string("the server's id, in quotes")
    .min(1, "the server's id, in quotes")
    .meta({ example: '"4711"' }),
  /** Anything: each new value wipes the server once, and its installed system remembers it. */
  value: z
    .string("a text")
    .regex(/^\P{Cc}{1,200}$/u, "a text of 1 to 200 characters")
    .meta({ example: "2026-11 new disk layout" }),
  /** Take a snapshot of the disk first, and wait for it. Machines that were ordered elsewhere have none: false there. */
  snapshot: z.boolean().default(true),
});

/** One more rule for the cloud's firewall in front of a server. */
const firewallRule = z.strictObject({
  direction: z.enum(["in", "out"], "in or out").default("in"),
  protocol: z.enum(["tcp", "udp", "icmp", "esp", "gre"], "one of tcp, udp, icmp, esp, gre"),
  /** "443" or "8000-8010"; tcp and udp need one. */
  port: z
    .string()
    .regex(/^[1-9]\d{0,4}(-[1-9]\d{0,4})?$/, "a port or a range such as 8000-8010, as text")
    .optional()
    .meta({ example: '"8000-8010"' }),
  /** Sources of traffic that comes in, targets of what goes out; everywhere when empty. */
  networks: z.array(cidr).default([]),
  description: z.string().max(255, "at most 255 characters").optional(),
});

/** Who a host is to ssh. */
const identity = z.strictObject({
  /** Another value gives the host another ssh key, with contact kept. Any text; a date tells when. */
  rotate: z
    .string()
    .regex(/^[\x20-\x7e]{1,64}$/, "a text of 1 to 64 characters, such as a date")
    .optional()
    .meta({ example: '"2026-11"' }),
});

const seconds = "a whole number of seconds from 1 to 3600";
const staySeconds = "a whole number of seconds from 0 to 3600";

const volumeSize = "a whole number of GB from 10 to 10240";

export const host = z
  .strictObject({
    /** Name of the system in the flake: `nixosConfigurations.<system>`. */
    system: z.string().min(1, "a name is needed").meta({ example: "web" }),
    /** Where the system is built, where that is not `builds.on`: deployer, target or a builder's name. */
    buildOn: z.string().min(1, "deployer, target or a builder's name").optional().meta({ example: "target" }),
    /** A server to order at Hetzner. */
    server: server.optional().meta({ example: "{ type: cx23, location: fsn1 }" }),
    /** Or a machine there is already. */
    existing: existing.optional(),
    identity: identity.default({}).meta({ example: '{ rotate: "2026-11" }' }),
    /** Wipe the installed host and install it anew: one server, once for each value. */
    reinstall: reinstall.optional().meta({ example: '{ server: "4711", value: new layout }' }),
    /** Take this server for another one, by that one's id, whose snapshot was restored on it. */
    adopt: z
      .string("the old server's id, in quotes")
      .min(1, "the old server's id, in quotes")
      .optional()
      .meta({ example: '"4711"' }),
    /** Rules of the cloud's firewall beside the manifest's ports. */
    firewall: z.array(firewallRule).default([]),
    /** Volumes by name with their size in GB; each appears as /dev/disk/by-id/scsi-0HC_Volume_<id> and is never formatted by an installation. */
    volumes: z
      .record(name("a volume"), z.int(volumeSize).min(10, volumeSize).max(10_240, volumeSize))
      .default({})
      .meta({ example: "{ data: 20 }" }),
    /** Its address in the stack's private network; the next free one when absent. */
    privateAddress: privateIp.optional(),
    /** Its encrypted disk; exactly where the system in the flake has one. */
    disk: z
      .strictObject({
        /** Name under berth:secrets of what the installation encrypts the disk with and every boot unlocks it with; another value changes no disk. */
        passphrase: secretName.meta({ example: "web1-disk" }),
      })
      .optional()
      .meta({ example: "{ passphrase: web1-disk }" }),
    /** Name that the public addresses resolve back to; `domain` when absent, none when false. */
    reverseDns: z.union([domain, z.literal(false)], "a domain, or false").optional(),
    /** The name people reach it by. */
    domain: domain.optional(),
    /** Which secret each service gets as which credential; exactly those that the system in the flake expects. */
    secrets: hostSecrets.default({}).meta({ example: "{ site: { DATABASE_URL: db-url } }" }),
    /** Checks beside those of the manifest. */
    health: z.array(healthCheck).default([]),
    /**
     * What an update does about a host that somebody has switched by hand: "repair" returns it to its release; "report" leaves it, with a
     * warning, until there is another release.
     */
    drift: z.enum(["repair", "report"], "repair or report").default("repair").meta({ example: "report" }),
    /** What happens when only a reboot puts a release in force. */
    reboot: reboot.default({ when: "told" }).meta({ example: '{ window: "Sun 03:00" }' }),
    /** What goes before a switch, and whether it is undone. */
    release: releaseRules
      .default({ beforeDeadline: 600, rollback: "auto" })
      .meta({ example: '{ before: "$BERTH_NEW/sw/bin/site-migrate", rollback: never }' }),
    /** Seconds a new release has to stay healthy, once it is, before it is kept. */
    healthyFor: z
      .int(staySeconds)
      .min(0, staySeconds)
      .max(3600, staySeconds)
      .default(0)
      .meta({ example: "20" }),
    /** Seconds a new release has to become healthy. */
    healthDeadline: z.int(seconds).min(1, seconds).max(3600, seconds).default(60).meta({ example: "60" }),
  })
  .refine(
    ({ server, existing }) => (server === undefined) !== (existing === undefined),
    "exactly one of server and existing",
  );

export type HostConfig = z.infer<typeof host>;
export type ServerConfig = z.infer<typeof server>;
export type ExistingConfig = z.infer<typeof existing>;
export type ReinstallConfig = z.infer<typeof reinstall>;
export type FirewallRuleConfig = z.infer<typeof firewallRule>;
