import { z } from "zod";
import { catalogueDate, findServerType, locations, serverTypes } from "./catalogue.ts";
import { type HostManifest, healthCheck, type Manifest } from "./manifest.ts";
import { ConfigurationError, type Problem } from "./problems.ts";

const cidr = z
  .union([z.cidrv4(), z.cidrv6()], "a network such as 203.0.113.0/24 or 2001:db8::/32")
  .meta({ example: "203.0.113.0/24" });
const publicKey = z
  .string()
  .regex(
    /^(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+( .*)?$/,
    "a public key in OpenSSH's one-line form",
  )
  .meta({ example: "ssh-ed25519 AAAA… ada@example.org" });
const domain = z
  .string()
  .max(253)
  .regex(
    /^(?=.*[a-z])([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "a domain in lower case, without scheme or path",
  )
  .meta({ example: "example.org" });
/** Also the server's name, so Hetzner's rule: a host name label. */
const hostName = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
    "a host is named by 1 to 32 letters a-z, digits and inner hyphens",
  );

const serverType = z
  .string()
  .refine((name) => findServerType(name) !== undefined, {
    error: ({ input }) =>
      `${JSON.stringify(input)} is not a server type on sale (as of ${catalogueDate}); there are ${serverTypes.map(({ name }) => name).join(", ")}`,
  })
  .meta({ example: "cx23" });

const server = z.strictObject({
  /** Hetzner's name of the server type. */
  type: serverType,
  /** Hetzner's name of the location. */
  location: z.enum(locations, `one of ${locations.join(", ")}`).meta({ example: "fsn1" }),
  /** Base image the installation starts from. */
  image: z
    .string()
    .regex(/^[a-z]+-[a-z0-9.-]+$/, "the name of a system image")
    .default("debian-13")
    .meta({ example: "debian-13" }),
});

const seconds = "a whole number of seconds from 1 to 3600";

const host = z.strictObject({
  /** Name of the system in the flake: `nixosConfigurations.<system>`. */
  system: z.string().min(1, "a name is needed").meta({ example: "web" }),
  server,
  /** The name people reach it by; only the URL in the outputs uses it. */
  domain: domain.optional(),
  /** Checks beside those of the manifest. */
  health: z.array(healthCheck).default([]),
  /** Seconds a new release has to become healthy. */
  healthDeadline: z.int(seconds).min(1, seconds).max(3600, seconds).default(60).meta({ example: "60" }),
});

const access = z.strictObject({
  /** People who may log in as root, each with public keys. Written at the installation; a later change reaches new hosts only. */
  people: z.record(z.string(), z.array(publicKey).min(1, "at least one public key")).default({}),
  /** Networks that reach ssh; from anywhere when empty. */
  from: z.array(cidr).default([]),
});

export const stackConfig = z.strictObject({
  /** The flake with the systems and the manifest. A relative path is relative to the project. */
  flake: z.string().min(1, "a flake reference is needed").default(".").meta({ example: "." }),
  access: access.default({ people: {}, from: [] }),
  hosts: z
    .record(hostName, host)
    .refine((hosts) => Object.keys(hosts).length > 0, "at least one host")
    .meta({ example: "{ web1: { system: web, server: { type: cx23, location: fsn1 } } }" }),
  /** Keep servers, addresses and installations from being deleted or replaced. */
  protect: z.boolean().default(true).meta({ example: "false" }),
});

export type StackConfig = z.infer<typeof stackConfig>;
export type HostConfig = z.infer<typeof host>;

/** Parse a stack's `berth:` configuration. Throws one ConfigurationError with every problem. */
export function parseStackConfig(stack: string, raw: Record<string, unknown>): StackConfig {
  const parsed = stackConfig.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    stack,
    parsed.error.issues.flatMap((issue) => toProblems(issue, raw)),
  );
}

function toProblems(issue: z.core.$ZodIssue, raw: unknown): Problem[] {
  const example = exampleAt(stackConfig, issue.path);
  const at = (path: readonly PropertyKey[]) =>
    path.length === 0 ? "berth" : `berth:${path.map(String).join(".")}`;
  switch (issue.code) {
    case "unrecognized_keys": {
      const allowed = keysAt(stackConfig, issue.path);
      return issue.keys.map((key) => ({
        path: at([...issue.path, key]),
        message: `there is no such key; there are ${allowed.join(", ")}`,
      }));
    }
    case "invalid_key":
      return [
        {
          path: at(issue.path),
          message: issue.issues.map(({ message }) => message).join("; "),
          example: "web1",
        },
      ];
    default:
      return [
        {
          path: at(issue.path),
          message: describe(issue, valueAt(raw, issue.path)),
          ...(example ? { example } : {}),
        },
      ];
  }
}

/** Types in people's words, by zod's names. */
const typeNames: Record<string, string> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function describe(issue: z.core.$ZodIssue, found: unknown): string {
  // Zod's own words for a type; a schema's own are better and stay.
  const byType = issue.code === "invalid_type" && issue.message.startsWith("Invalid input");
  const wanted = byType ? `${typeNames[issue.expected] ?? issue.expected} is needed` : issue.message;
  if (found === undefined) return `is missing; ${wanted}`;
  const type = Array.isArray(found) ? "array" : typeof found;
  return byType ? `${wanted}, this is ${(found !== null && typeNames[type]) || "empty"}` : wanted;
}

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );

/** The schema a path leads to, through records, arrays and defaults. */
function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  const inner = unwrap(schema);
  const [head, ...rest] = path;
  if (head === undefined) return schema;
  if (inner instanceof z.ZodObject) {
    const next = (inner.shape as Record<string, z.core.$ZodType>)[String(head)];
    return next && schemaAt(next, rest);
  }
  if (inner instanceof z.ZodRecord) return schemaAt(inner.valueType, rest);
  if (inner instanceof z.ZodArray) return schemaAt(inner.element, rest);
  return undefined;
}

const unwrap = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;

function exampleAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string | undefined {
  const found = schemaAt(schema, path);
  if (!found) return undefined;
  for (const candidate of [found, unwrap(found)]) {
    const example = candidate instanceof z.ZodType ? candidate.meta()?.example : undefined;
    if (typeof example === "string") return example;
  }
  return undefined;
}

function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const found = schemaAt(schema, path);
  const inner = found && unwrap(found);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** A host of the stack with its system in the flake. */
export interface MatchedHost {
  name: string;
  settings: HostConfig;
  manifest: HostManifest;
}

/** What the stack and the flake must agree on before anything is ordered. Throws one ConfigurationError. */
export function matchManifest(stack: string, config: StackConfig, manifest: Manifest): MatchedHost[] {
  const problems: Problem[] = [];
  const matched: MatchedHost[] = [];
  for (const [name, wanted] of Object.entries(config.hosts)) {
    const path = `berth:hosts.${name}`;
    const found = Object.hasOwn(manifest, wanted.system) ? manifest[wanted.system] : undefined;
    const type = findServerType(wanted.server.type);
    if (!found) {
      const names = Object.keys(manifest);
      problems.push({
        path: `${path}.system`,
        message: `the flake ${config.flake} has no berth.hosts.${wanted.system}; it has ${names.length === 0 ? "none" : names.join(", ")}`,
        ...(names[0] ? { example: names[0] } : {}),
      });
      continue;
    }
    if (type && type.architecture !== found.system) {
      problems.push({
        path: `${path}.server.type`,
        message: `${type.name} is ${type.architecture}, but the flake's berth.hosts.${wanted.system} is for ${found.system}`,
        example: serverTypes.find(({ architecture }) => architecture === found.system)?.name ?? "",
      });
    }
    if (type && !type.locations.includes(wanted.server.location)) {
      problems.push({
        path: `${path}.server.location`,
        message: `${type.name} is not sold in ${wanted.server.location}; it is in ${type.locations.join(", ")}`,
      });
    }
    matched.push({ name, settings: wanted, manifest: found });
  }
  if (problems.length > 0) throw new ConfigurationError(stack, problems);
  return matched;
}
