import { z } from "zod";
import { credentialName, serviceName } from "./secrets.ts";
import { withoutLogin } from "./url.ts";

/**
 * The flake's output `berth.hosts`: what the stack must know of every NixOS system before it orders hardware.
 * Read by one evaluation; nothing below the program evaluates again.
 */

const storePath = z.string().regex(/^\/nix\/store\/[0-9a-z]{32}-[^/]+$/, "a path in /nix/store");

const derivation = z.strictObject({
  /** The derivation, so that it can be built without evaluating again. */
  drvPath: storePath,
  /** The path its output will have. Not named outPath: a set with that attribute turns into a string in JSON. */
  out: storePath,
});

const portNumber = "a port from 1 to 65535";
const port = z.int(portNumber).min(1, portNumber).max(65535, portNumber);

/** A check is told in previews, logs and errors. */
const login = "a URL without a user and a password, as whatever tells of the check would show them";

const status = "an HTTP status from 100 to 599";

/** The ways to ask a running release how it is: a check has exactly one. */
export const checkKinds = ["http", "https", "tcp", "unit", "command"] as const;

const checkSeconds = "seconds, more than 0 and 300 at most";

/**
 * A check of a running release. A URL and a port are asked from outside: the URL's host is sent as Host and SNI, the connection goes
 * to the host's own address. A unit and a command are asked on the host, over a connection that was opened after the switch.
 */
export const healthCheck = z
  .strictObject({
    http: z
      .url({ protocol: /^http$/, error: "a URL that begins with http://" })
      .refine(withoutLogin, login)
      .optional()
      .meta({ example: "http://example.org/healthz" }),
    https: z
      .url({ protocol: /^https$/, error: "a URL that begins with https://" })
      .refine(withoutLogin, login)
      .optional()
      .meta({ example: "https://example.org/healthz" }),
    /** A port that takes connections. */
    tcp: port.optional().meta({ example: "5432" }),
    /** A unit that is active. */
    unit: z
      .string()
      .regex(/^[A-Za-z0-9:_.@\\-]{1,200}\.[a-z]+$/, "a unit with its kind, such as site.service")
      .optional()
      .meta({ example: "site.service" }),
    /** A command line that the host's shell runs as root, and that ends with 0. */
    command: z.string().min(1, "a command line").optional().meta({ example: "systemctl is-system-running" }),
    /** Status that the answer of a URL must have; 200 when absent. */
    status: z.int(status).min(100, status).max(599, status).optional().meta({ example: "204" }),
    /** Text that the answer of a URL, or what a command writes, must contain. */
    body: z.string().optional(),
    /** Seconds that one attempt may take; 5 when absent. Attempts go on until the host's `healthDeadline`. */
    timeout: z.number().positive(checkSeconds).max(300, checkSeconds).optional().meta({ example: "20" }),
  })
  .refine(
    (check) => checkKinds.filter((kind) => check[kind] !== undefined).length === 1,
    "exactly one of http, https, tcp, unit and command",
  )
  .refine(
    ({ http, https, status }) => status === undefined || (http ?? https) !== undefined,
    "a status is http's or https's",
  )
  .refine(
    ({ tcp, unit, body }) => body === undefined || (tcp ?? unit) === undefined,
    "a body is what a URL or a command answers",
  );

/** A name a web server answers to; "*.example.org" for all below a domain. */
const virtualHostName = z
  .string()
  .regex(
    /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "a domain in lower case",
  );

const gigabytes = z.number().positive();

const absolute = z.string().startsWith("/");

/** What a host with an encrypted disk needs: a passphrase when it is formatted, and the same one at every boot. */
const encryption = z.strictObject({
  /** Where the disk layout reads the passphrase: a file of the installer's memory, `--disk-encryption-keys` of nixos-anywhere. */
  keyFile: absolute,
  /** The ssh server that waits for the passphrase while the disk is locked: `ssh -p PORT root@HOST unlock`, passphrase on stdin. */
  unlock: z.strictObject({
    port,
    /** Private ed25519 host key of that server, mode 0600; the public half beside it is read by nobody. Brought by `--extra-files`. */
    hostKeyFile: absolute,
    /** Who may unlock. Brought by `--extra-files`; root's own keys unless the flake says otherwise. */
    authorizedKeysFile: absolute,
  }),
});

const hostManifest = z.strictObject({
  /** Nix system, e.g. "x86_64-linux". */
  system: z.enum(["x86_64-linux", "aarch64-linux"]),
  /** `networking.hostName`; empty when the host takes its name from the cloud at boot. */
  hostName: z.string(),
  /** `config.system.build.toplevel` */
  toplevel: derivation,
  /** `config.system.build.diskoScript`: partitions, formats and mounts under /mnt. */
  diskoScript: derivation,
  /** The kexec installer tarball, or null for the one nixos-anywhere downloads. */
  kexecTarball: derivation.nullable(),
  /** Ports open to the world. */
  ports: z.strictObject({ tcp: z.array(port), udp: z.array(port) }),
  /** What the host's web server answers to. DNS records and certificates come from it. */
  virtualHosts: z.array(z.strictObject({ name: virtualHostName, tls: z.boolean() })),
  /** What disko partitions and formats, by disko's name: every one of these is wiped by an installation. */
  disks: z.record(z.string(), z.strictObject({ device: z.string().startsWith("/dev/") })),
  /** Set where the layout encrypts. */
  encryption: encryption.optional(),
  /** What the system needs at least, in GB; null where the flake does not say. */
  requires: z.strictObject({ disk: gigabytes.nullable(), memory: gigabytes.nullable() }),
  /** systemd credentials that services expect, by unit: `{ site: ["DATABASE_URL"] }`. */
  credentials: z.record(serviceName, z.array(credentialName)),
  health: z.array(healthCheck),
});

export const manifest = z.record(z.string(), hostManifest);

export type HealthCheck = z.infer<typeof healthCheck>;
export type HostManifest = z.infer<typeof hostManifest>;
export type Manifest = z.infer<typeof manifest>;
