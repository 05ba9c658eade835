import { z } from "zod";
import { builds } from "./builds.ts";
import { containers } from "./containers.ts";
import { explain, valueAt } from "./explain.ts";
import { flyApps } from "./fly.ts";
import { cidr, domain, host, hostName, name, port, publicKey } from "./host.ts";
import { ConfigurationError, type Problem } from "./problems.ts";
import { rollout } from "./rollout.ts";
import { secretValues } from "./secrets.ts";
import { shortLived } from "./short-lived.ts";

/** A private network that all servers of the stack are in. */
const network = z.strictObject({
  range: z.cidrv4("a network such as 10.0.0.0/16").default("10.0.0.0/16").meta({ example: "10.0.0.0/16" }),
  /** The part that servers get addresses from; all of `range` when absent. */
  subnet: z.cidrv4("a network such as 10.0.1.0/24").optional().meta({ example: "10.0.1.0/24" }),
});

const dnsTypes = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT", "TLSA", "HTTPS", "SVCB"] as const;
const ttl = "a whole number of seconds from 60 to 2147483647";

const dnsRecord = z.strictObject({
  /** Relative to the zone: "www", "@" for the zone itself, "*" for all names below. */
  name: z
    .string()
    .regex(
      /^(@|(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*)$/,
      "a name below the zone, @ or *",
    )
    .meta({ example: "www" }),
  type: z.enum(dnsTypes, `one of ${dnsTypes.join(", ")}`),
  /** Values as in a zone file; texts (TXT) need no quotes. */
  values: z.array(z.string().min(1)).min(1, "at least one value"),
  ttl: z.int(ttl).min(60, ttl).max(2_147_483_647, ttl).optional(),
});

/** A zone in Hetzner's DNS. Names of the manifests' virtual hosts get their records by themselves. */
const zone = z.strictObject({
  /** Whether the zone is made by this stack; false for one that is there already and stays. */
  create: z.boolean().default(true),
  /** Seconds that answers may be kept. */
  ttl: z.int(ttl).min(60, ttl).max(2_147_483_647, ttl).default(3600),
  /** Who may issue certificates for the zone (CAA); anyone when empty. */
  certificateAuthorities: z.array(domain).default(["letsencrypt.org"]),
  records: z.array(dnsRecord).default([]),
});

const balancerService = z.strictObject({
  protocol: z.enum(["tcp", "http", "https"], "tcp, http or https"),
  /** Port people connect to. */
  port,
  /** Port on the hosts. */
  targetPort: port,
  /** Only https: send what comes to port 80 here. */
  redirect: z.boolean().default(false),
  /** Only http and https: keep a visitor on one host by a cookie. */
  sticky: z.boolean().default(false),
  /** How a host shows that it takes traffic; a connection alone when absent. */
  health: z
    .strictObject({
      path: z.string().startsWith("/", "a path that begins with /"),
      /** The Host header. */
      domain: domain.optional(),
      status: z
        .array(z.string().regex(/^[1-5][0-9?]{2}$/, "a status such as 200 or 2??"))
        .default(["2??", "3??"]),
    })
    .optional(),
});

const loadBalancer = z.strictObject({
  /** Hetzner's name of the type. */
  type: z.string().min(1, "a name is needed").default("lb11").meta({ example: "lb11" }),
  location: z.string().min(1, "a name is needed").meta({ example: "fsn1" }),
  /** Hosts of this stack that take the traffic. */
  targets: z.array(z.string()).min(1, "at least one host").meta({ example: "[web1, web2]" }),
  services: z.array(balancerService).min(1, "at least one service"),
  /** Names that lead to it: they get DNS records, and an https service gets a certificate for them. */
  domains: z.array(domain).default([]),
  algorithm: z
    .enum(["round_robin", "least_connections"], "round_robin or least_connections")
    .default("round_robin"),
});

const access = z.strictObject({
  /** People who may log in as root, each with public keys. Written at the installation; a later change reaches the hosts there are by `berth people --sync`. */
  people: z.record(z.string(), z.array(publicKey).min(1, "at least one public key")).default({}),
  /** Networks that reach ssh; from anywhere when empty. */
  from: z.array(cidr).default([]),
});

const everything = z.strictObject({
  /** The flake with the systems and the manifest. A relative path is relative to the project. */
  flake: z.string().min(1, "a flake reference is needed").default(".").meta({ example: "." }),
  access: access.default({ people: {}, from: [] }),
  hosts: z
    .record(hostName, host)
    .default({})
    .meta({ example: "{ web1: { system: web, server: { type: cx23, location: fsn1 } } }" }),
  /** What is secret, by name; each set with `pulumi config set --secret --path 'berth:secrets.<name>'`. */
  secrets: secretValues.default({}),
  /** A private network between the servers of the stack. */
  network: network.optional(),
  /** Zones in Hetzner's DNS by name. */
  dns: z.record(domain, zone).default({}),
  loadBalancers: z.record(name("a load balancer"), loadBalancer).default({}),
  /** What machines with Docker run, by name. */
  containers: containers.default({}),
  /** Apps at Fly.io by name. Names are unique in all of Fly. */
  fly: flyApps.default({}),
  /** Fly's token, set with `pulumi config set --secret berth:flyToken`; that of the environment when absent. */
  flyToken: z.string().min(1, "it is empty").optional(),
  /** In which order, and how many at a time, the hosts get a release. */
  /** Where systems are built, which caches they go to and come from, and how many are kept. */
  builds: builds.default({ on: "deployer", builders: {}, caches: [], keep: 5 }),
  rollout: rollout.default({ order: [], maxUnavailable: "50%" }),
  /** Keep servers, addresses, volumes and installations from being deleted or replaced. */
  protect: z.boolean().default(true).meta({ example: "false" }),
  /** Written by `berth review up` and by nobody else: the stack is a pull request's, and ends. */
  shortLived: shortLived.optional(),
});

export const stackConfig = everything.refine(
  ({ hosts, containers, fly }) => [hosts, containers, fly].some((some) => Object.keys(some).length > 0),
  { path: ["hosts"], message: "at least one host, or something under berth:containers or berth:fly" },
);

export type StackConfig = z.infer<typeof stackConfig>;
export type NetworkConfig = z.infer<typeof network>;
export type ZoneConfig = z.infer<typeof zone>;
export type LoadBalancerConfig = z.infer<typeof loadBalancer>;

export interface ParsedConfig {
  config: StackConfig;
  /** Keys that there are not. Nothing else depends on them: the checks go on and tell theirs in the same message. */
  problems: Problem[];
}

/** Parse a stack's `berth:` configuration. Throws one ConfigurationError with every problem when what is left does not parse. */
export function parseStackConfig(stack: string, raw: Record<string, unknown>): ParsedConfig {
  const whole = stackConfig.safeParse(raw);
  if (whole.success) return { config: whole.data, problems: [] };
  const unknown = whole.error.issues.filter((issue) => issue.code === "unrecognized_keys");
  const problems = unknown.flatMap((issue) => explain(stackConfig, issue, raw));
  // Again without them: a schema with a key too many is not looked at as a whole.
  const known = unknown.length === 0 ? whole : stackConfig.safeParse(without(raw, unknown));
  if (known.success) return { config: known.data, problems };
  const wrong = known.error.issues.flatMap((issue) => explain(stackConfig, issue, raw));
  throw new ConfigurationError(stack, [...wrong, ...problems]);
}

function without(raw: Record<string, unknown>, issues: readonly z.core.$ZodIssueUnrecognizedKeys[]): unknown {
  const rest: unknown = structuredClone(raw);
  for (const { path, keys } of issues) {
    const inner = valueAt(rest, path);
    if (typeof inner === "object" && inner !== null)
      for (const key of keys) Reflect.deleteProperty(inner, key);
  }
  return rest;
}
