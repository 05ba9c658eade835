import { z } from "zod";
import { checkFlyApp } from "./fly-rules.ts";
import { domain, port } from "./host.ts";
import { imageSource } from "./image.ts";
import { credentialName, secretName } from "./secrets.ts";

/** A whole number of seconds. */
const seconds = (from: number, to: number) => {
  const wanted = `a whole number of seconds from ${from} to ${to}`;
  return z.int(wanted).min(from, wanted).max(to, wanted);
};

/** A name of Fly's for a place. Which there are is Fly's to say when a machine is ordered. */
const region = z
  .string()
  .regex(/^[a-z]{3}$/, "a region is named by three letters a-z")
  .meta({ example: "sea" });
const machines = "a whole number of machines from 1 to 100";
const regions = z
  .record(region, z.int(machines).min(1, machines).max(100, machines))
  .refine((counts) => Object.keys(counts).length > 0, "at least one region")
  .meta({ example: "{ sea: 2, fra: 1 }" });

const processName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,30}$/,
    "a process is named by 1 to 31 letters a-z, digits, _ and -, a letter first",
  );
/** Which processes something is for; the only one when there is but one. */
const forProcesses = z.array(processName).default([]).meta({ example: "[web]" });
const words = z
  .array(z.string())
  .min(1, "at least the name of a program")
  .meta({ example: "[bin/site, --migrate]" });

const kinds = ["shared", "performance"] as const;
const megabytes = "a number of MB that 256 divides";
const guest = z.strictObject({
  /** Whether cores are shared with others or are the machine's own. */
  cpuKind: z.enum(kinds, "shared or performance").default("shared"),
  /** Cores: 1, 2, 4, 6 or 8; with cores of its own also 10 to 16. */
  cpus: z.int("a whole number of cores").min(1, "at least one core").default(1),
  /** Memory in MB. */
  memory: z
    .int(megabytes)
    .min(256, megabytes)
    .refine((amount) => amount % 256 === 0, megabytes)
    .default(256)
    .meta({ example: "512" }),
});

const check = z.strictObject({
  /** What is asked: a page, or a connection alone. */
  type: z.enum(["http", "tcp"], "http or tcp").default("http"),
  /** The machine's port that is asked; the service's when absent. */
  port: port.optional().meta({ example: "8080" }),
  /** Seconds from one attempt to the next. */
  interval: seconds(2, 3600).default(15),
  /** Seconds one attempt may take. */
  timeout: seconds(1, 60).default(5),
  /** Seconds after a start in which a failure does not count. */
  gracePeriod: seconds(0, 3600).default(5),
  /** Only http: the path that must answer with a status of 200 to 299. */
  path: z.string().startsWith("/", "a path that begins with /").optional().meta({ example: "/healthz" }),
  /** Only http: the method; GET when absent. */
  method: z.enum(["GET", "HEAD", "POST", "OPTIONS"], "GET, HEAD, POST or OPTIONS").optional(),
  /** Only http: whether the machine speaks TLS itself. */
  protocol: z.enum(["http", "https"], "http or https").optional(),
  /** Only http: the name that a certificate is checked against. */
  tlsServerName: domain.optional(),
  /** Only http: take any certificate. */
  tlsSkipVerify: z.boolean().optional(),
  /** Only http: headers of the request by name. */
  headers: z.record(z.string().min(1), z.string()).default({}),
});

const handlers = ["http", "tls", "proxy_proto", "pg_tls", "edge_http"] as const;
const exposed = z.strictObject({
  /** Port people connect to. */
  port,
  /** What Fly's proxy does with the connection: `tls` ends TLS, `http` reads requests. */
  handlers: z
    .array(z.enum(handlers, `some of ${handlers.join(", ")}`))
    .default([])
    .meta({ example: "[tls, http]" }),
  /** Answer http with a way to https. */
  forceHttps: z.boolean().default(false),
});

const limit = "a whole number of at least 1";
const service = z.strictObject({
  /** Port the app listens on, in the machine. */
  internalPort: port,
  protocol: z.enum(["tcp", "udp"], "tcp or udp").default("tcp"),
  /** Ports people connect to; 80 (http) and 443 (tls, http) when empty. */
  ports: z.array(exposed).default([]),
  /** Only where `ports` is empty: port 80 answers with a way to 443. */
  forceHttps: z.boolean().default(false),
  /** What becomes of a machine that nobody asks: off leaves it running, suspend keeps its memory. */
  autostop: z.enum(["off", "stop", "suspend"], "off, stop or suspend").default("off"),
  /** Whether a request starts a machine that was stopped. */
  autostart: z.boolean().default(true),
  /** Machines of the primary region that autostop leaves running. */
  minMachinesRunning: z.int("a whole number").min(0, "a whole number").default(0),
  /** How much at once a machine takes: beyond `soft` others are preferred, beyond `hard` it gets nothing. */
  concurrency: z
    .strictObject({
      type: z.enum(["connections", "requests"], "connections or requests").default("connections"),
      soft: z.int(limit).min(1, limit).optional(),
      hard: z.int(limit).min(1, limit).optional(),
    })
    .optional()
    .meta({ example: "{ type: requests, soft: 200, hard: 250 }" }),
  /** What must hold before a machine gets traffic, and before a release is kept. */
  checks: z.array(check).default([]),
  /** Processes that it leads to. */
  processes: forProcesses,
});

const mount = z.strictObject({
  /** Name of the volumes; each machine has one of its own. */
  volume: z
    .string()
    .regex(/^[a-z0-9_]{1,30}$/, "a volume is named by 1 to 30 letters a-z, digits and _")
    .meta({ example: "data" }),
  /** Where the machine finds it. */
  path: z.string().regex(/^\/.+/, "a path that begins with /").meta({ example: "/data" }),
  /** Size in GB of a volume that is made; one that is there stays as large as it is. */
  size: z
    .int("a whole number of GB from 1 to 500")
    .min(1)
    .max(500, "a whole number of GB from 1 to 500")
    .default(1),
  processes: forProcesses,
});

const process = z.strictObject({
  /** Program and arguments in place of the image's own; the image's own when absent. */
  command: words.optional(),
  /** Where its machines are and how many; as the app's when absent. */
  regions: regions.optional(),
  /** How large they are; as the app's when absent. */
  guest: guest.optional(),
});

const releaseCommand = z.strictObject({
  /** Program and arguments, run once on a throw-away machine with the new image before any other machine changes. */
  command: words,
  /** Seconds it may take. */
  timeout: seconds(1, 86_400).default(300),
  guest: guest.optional(),
});

const strategies = ["rolling", "canary", "bluegreen", "immediate"] as const;
const deploy = z.strictObject({
  /**
   * How machines get a release. rolling: some at a time, in place. canary: one machine more first, then rolling. bluegreen: all of them anew,
   * beside the old ones. immediate: all at once, which the visitors notice.
   */
  strategy: z.enum(strategies, strategies.join(", ")).default("rolling"),
  /** Only rolling and canary: how many machines may be on the way at once, as a number (1 and more) or as a share of them (below 1). */
  maxUnavailable: z
    .number("a number of machines, or a share below 1")
    .gt(0, "a number of machines, or a share below 1")
    .refine((value) => value < 1 || Number.isInteger(value), "a number of machines, or a share below 1")
    .default(0.33),
  /** Seconds each machine has to start, and to become healthy, before the release is taken back. */
  waitTimeout: seconds(5, 3600).default(300),
  /** Seconds a machine must have been running without a crash before its checks count. */
  steadyFor: seconds(0, 600).default(10),
  /** Not immediate: seconds a machine has left for what it was asked, once it gets nothing new. */
  drain: seconds(0, 600).default(10),
});

const policies = ["always", "on-failure", "no"] as const;
const addressTypes = ["v6", "shared_v4", "v4", "private_v6"] as const;

const flyApp = z
  .strictObject({
    /** A fly.toml that says what is not said here, relative to the project; what is said here wins. */
    toml: z.string().min(1, "a path").optional().meta({ example: "./fly.toml" }),
    /** Slug of the organisation that pays; the app is made in it. */
    organization: z
      .string()
      .min(1, "an organisation's slug")
      .default("personal")
      .meta({ example: "personal" }),
    /** Told to the app as PRIMARY_REGION; the first of `regions` by name when absent. */
    primaryRegion: region.optional(),
    /** How many machines each process has, by region. */
    regions,
    /** How large a machine is. */
    guest: guest.default({ cpuKind: "shared", cpus: 1, memory: 256 }),
    image: imageSource.meta({ example: "{ package: site-image }" }),
    services: z.array(service).default([]),
    /** What processes without a service have to show before a release is kept, by name. */
    checks: z
      .record(z.string().min(1), check.extend({ port, processes: forProcesses }))
      .default({})
      .meta({ example: "{ alive: { type: tcp, port: 9000 } }" }),
    /** Volumes; one a machine at most. */
    mounts: z.array(mount).default([]),
    /** Variables of the environment. Nothing secret: anyone who may read the app reads them. */
    env: z.record(credentialName, z.string("a text is needed; put quotes round a number")).default({}),
    /** Which secret of `berth:secrets` the app finds in which variable. */
    secrets: z.record(credentialName, secretName).default({}).meta({ example: "{ DATABASE_URL: db-url }" }),
    /** Processes with machines of their own; one named `app` when empty. */
    processes: z.record(processName, process).default({}),
    deploy: deploy.default({
      strategy: "rolling",
      maxUnavailable: 0.33,
      waitTimeout: 300,
      steadyFor: 10,
      drain: 10,
    }),
    releaseCommand: releaseCommand.optional(),
    /** How a machine is asked to stop, and the seconds it has. */
    stop: z
      .strictObject({
        signal: z
          .string()
          .regex(/^SIG[A-Z0-9]+$/, "a signal's name such as SIGTERM")
          .default("SIGINT"),
        timeout: seconds(0, 300).default(5),
      })
      .optional()
      .meta({ example: "{ signal: SIGTERM, timeout: 30 }" }),
    /** What Fly does about a process that ends. */
    restart: z
      .strictObject({
        policy: z.enum(policies, "always, on-failure or no").default("on-failure"),
        retries: z.int("a whole number").min(0, "a whole number").default(10),
      })
      .optional(),
    /** Swap in MB. */
    swap: z.int("a whole number of MB").min(1, "a whole number of MB").optional(),
    /** Names that the app has a certificate for; a name with *. in front stands for all below it. */
    certificates: z
      .array(
        z
          .string()
          .refine((name) => domain.safeParse(name.replace(/^\*\./, "")).success, "a domain in lower case"),
      )
      .default([])
      .meta({ example: "[example.org]" }),
    /** Public and private addresses; v6 and shared_v4 when absent and there is a service. */
    addresses: z
      .array(z.enum(addressTypes, addressTypes.join(", ")))
      .optional()
      .meta({ example: "[v6, shared_v4]" }),
  })
  .superRefine((app, context) => {
    for (const { path, message } of checkFlyApp(app))
      context.addIssue({ code: "custom", path: [...path], message });
  });

/** `berth:fly`: apps at Fly.io by name. Names are unique in all of Fly. */
export const flyApps = z.record(
  z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
      "an app at Fly is named by 1 to 63 letters a-z, digits and inner hyphens",
    ),
  flyApp,
);

export type FlyAppConfig = z.infer<typeof flyApp>;
export type FlyService = z.infer<typeof service>;
export type FlyCheck = z.infer<typeof check>;
export type FlyGuest = z.infer<typeof guest>;
export type FlyStrategy = (typeof strategies)[number];
export type FlyAddressType = (typeof addressTypes)[number];
/** As people write it, before defaults. */
export type FlyAppInput = z.input<typeof flyApp>;

/** The app with its defaults. Throws zod's error. */
export const parseFlyApp = (app: unknown): FlyAppConfig => flyApp.parse(app);
