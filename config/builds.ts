import { z } from "zod";
import { domain, ed25519Key, name, port, userName } from "./host.ts";
import { secretName } from "./secrets.ts";
import { withoutLogin } from "./url.ts";

/** A machine with Nix that builds and is no host of the stack. The stack's login key opens it. */
const builder = z.strictObject({
  address: z.union([z.ipv4(), z.ipv6(), domain], "an address or a domain").meta({ example: "198.51.100.9" }),
  port: port.default(22),
  user: userName.default("root").meta({ example: "builder" }),
  /** The ed25519 host key it must have. */
  hostKey: ed25519Key,
  /** Nix systems it builds for. */
  systems: z
    .array(z.enum(["x86_64-linux", "aarch64-linux"], "x86_64-linux or aarch64-linux"))
    .min(1, "at least one system")
    .meta({ example: "[aarch64-linux]" }),
});

/** An address of a cache is an argument of Nix's commands, and stands in what they say. */
const login = "an address without a user and a password: Nix reads those from its netrc-file";

const cacheUrl = z
  .string()
  .regex(/^(https?|s3):\/\/[^\s?#]+(\?[^\s#]*)?$/, "an address that begins with https://, http:// or s3://")
  .refine(withoutLogin, login);

/** A key of Nix's that signs, as `nix key generate-secret` prints it: a name, a colon and 64 bytes in base 64. */
export const signingKey: RegExp = /^[^\s:]+:[A-Za-z0-9+/]{86}==$/;

/** The key that checks what a signing key has signed, as `nix key convert-secret-to-public` prints it; undefined where that is none. Pure. */
export function publicHalf(secretKey: string): string | undefined {
  const key = secretKey.trim();
  if (!signingKey.test(key)) return undefined;
  const [name = "", bytes = ""] = key.split(":");
  // An ed25519 secret key ends with its public one.
  return `${name}:${Buffer.from(bytes, "base64").subarray(32).toString("base64")}`;
}

/** A binary cache that hosts fetch from before they ask the deployer. */
const cache = z
  .strictObject({
    /** As the hosts reach it. */
    url: cacheUrl.meta({ example: "https://cache.example.org" }),
    /** What signs its paths. */
    publicKey: z
      .string()
      .regex(
        /^[A-Za-z0-9._-]+:[A-Za-z0-9+/]{43}=$/,
        "a name, a colon and a key, as nix key convert-secret-to-public prints it",
      )
      .meta({ example: "cache.example.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=" }),
    /** Name under berth:secrets of the key that signs what was built before it is pushed; nothing is pushed without. */
    push: secretName.optional().meta({ example: "cache-key" }),
    /** Where it is pushed to, where that is another address than `url`: also a folder. */
    pushTo: z
      .string()
      .regex(
        /^(https?|s3|file):\/\/[^\s?#]+(\?[^\s#]*)?$/,
        "an address that begins with https://, http://, s3:// or file://",
      )
      .refine(withoutLogin, login)
      .optional()
      .meta({ example: "s3://cache?region=eu-central-1" }),
  })
  .refine(
    ({ push, pushTo }) => pushTo === undefined || push !== undefined,
    "pushTo needs push, the name of the secret key that signs: nothing is pushed without",
  );

const releases = "a whole number from 1 to 100";

export const builds = z.strictObject({
  /** Where systems are built: here, on the host itself, or on one of the builders by its name. */
  on: z
    .string()
    .min(1, "deployer, target or a builder's name")
    .default("deployer")
    .meta({ example: "target" }),
  builders: z.record(name("a builder"), builder).default({}),
  caches: z.array(cache).default([]),
  /** Releases of each host that are kept from being collected, on the host and where it is deployed from. */
  keep: z.int(releases).min(1, releases).max(100, releases).default(5).meta({ example: "10" }),
});

export type BuildsConfig = z.infer<typeof builds>;

/** A builder by name. */
export type Builder = z.infer<typeof builder> & { name: string };

/** Where one host's system is built. */
export type BuildOn = { on: "deployer" } | { on: "target" } | { on: "builder"; builder: Builder };

/** Nix systems that the machine which deploys can build for. */
export interface LocalBuilds {
  systems: readonly string[];
  /** Whether its Nix has builders of its own, of which nothing is known here. */
  builders: boolean;
}

/** Where a host's system is built; undefined where there is no such builder. */
export function buildOn(builds: BuildsConfig, host: { buildOn?: string | undefined }): BuildOn | undefined {
  const where = host.buildOn ?? builds.on;
  if (where === "deployer" || where === "target") return { on: where };
  const found = Object.hasOwn(builds.builders, where) ? builds.builders[where] : undefined;
  return found && { on: "builder", builder: { name: where, ...found } };
}
