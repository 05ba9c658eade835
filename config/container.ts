import { isIP } from "node:net";
import { z } from "zod";
import { checkService } from "./container-rules.ts";
import { domain, existing, hostName, name, port } from "./host.ts";
import { imageSource } from "./image.ts";
import { credentialName, secretName } from "./secrets.ts";

/** A whole number of seconds. */
const seconds = (from: number, to: number) => {
  const wanted = `a whole number of seconds from ${from} to ${to}`;
  return z.int(wanted).min(from, wanted).max(to, wanted);
};

/** A machine with Docker that is no host of the stack. */
export const dockerMachine = existing
  .pick({ address: true, port: true, user: true, hostKey: true, jump: true })
  .strict();

/** Where containers run: a host of `berth:hosts` by its name, or any machine with Docker. */
export const containerHost = z.union(
  [hostName, dockerMachine],
  "a host of berth:hosts by its name, or a machine: address, hostKey and, where they differ, user, port and jump",
);

/** What a registry wants to know of who asks. */
export const registryLogin = z.strictObject({
  /** User at the registry. */
  user: z
    .string()
    .regex(/^[^\s:]+$/, "a user's name without spaces and colons")
    .meta({ example: "me" }),
  /** Name under berth:secrets of the password or token. */
  password: secretName.meta({ example: "registry-token" }),
});

/** A registry that an image goes through. */
export const registryPush = z.strictObject({
  /** Where the image goes: a registry and a path in it, without tag or digest. */
  to: z
    .string()
    .regex(/^[^\s@]+\/[^\s:@]+$/, "a registry and a path in it, without tag or digest")
    .meta({ example: "registry.example.org/me/site" }),
  ...registryLogin.partial().shape,
});

/** As programs name their environment; what Docker's own file of them can hold. */
const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, "a variable is named by letters, digits and _ . -");
const variableValue = z
  .union([z.string(), z.number(), z.boolean()], "a text, a number, or true or false")
  .transform(String)
  .refine((text) => !/[\r\n\0]/.test(text), "one line; a secret with several lines is given as a file");

/** How a container gets a secret. */
const secretUse = z.union(
  [
    secretName.transform((from) => ({ from, as: "env" as const })),
    z.strictObject({
      from: secretName,
      /** As a variable of the environment, which `docker inspect` shows to whoever may use Docker, or as the file /run/secrets/<name>. */
      as: z.enum(["env", "file"], "env or file").default("env"),
    }),
  ],
  "a name under berth:secrets, or { from: name, as: file }",
);

const portPattern =
  /^(?:(?<address>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):)?(?<host>\d{1,5}):(?<container>\d{1,5})(?:\/(?<protocol>tcp|udp))?$/;
const bare = (address: string): string => address.replace(/^\[|\]$/g, "");
const inRange = (text: string | undefined): boolean => Number(text) >= 1 && Number(text) <= 65_535;

/** A port that people reach: "80:8080", "127.0.0.1:9090:9090", "53:5353/udp". */
const publishedPort = z
  .string('host port and container port as text, such as "80:8080"')
  .refine((text) => {
    const { address, host, container } = portPattern.exec(text)?.groups ?? {};
    return inRange(host) && inRange(container) && (address === undefined || isIP(bare(address)) !== 0);
  }, "[address:]host port:container port, such as 80:8080 or 127.0.0.1:9090:9090")
  .transform((text) => {
    const { address = "", host, container, protocol = "tcp" } = portPattern.exec(text)?.groups ?? {};
    return {
      address: bare(address),
      host: Number(host),
      container: Number(container),
      protocol: protocol as "tcp" | "udp",
    };
  });

const absolute = /^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\s:,"\\]*$/;
const folder = z.string().regex(absolute, "a path that begins with /");

/** A volume of Docker's or a folder of the host: "data:/var/lib/site", "/srv/site:/data:ro". */
const mount = z
  .string()
  .regex(
    /^(?:\/[^\s:,"\\]*|[A-Za-z0-9][A-Za-z0-9_.-]*):\/[^\s:,"\\]+(?::r[ow])?$/,
    "source:path[:ro], where the source is a volume's name or a path on the host",
  )
  .transform((text) => {
    const [source = "", target = "", mode] = text.split(":");
    return { source, target, readOnly: mode === "ro" };
  });

/** A program and its arguments; each word is one line. */
const words = (wanted: string) =>
  z.array(z.string().regex(/^[^\r\n\0]*$/, "a word of one line")).min(1, wanted);

const byHttp = z.strictObject({
  /** What is asked with GET; everything but the expected answer is unwell. */
  path: z
    .string()
    .regex(/^\/[^\s]*$/, "a path that begins with /")
    .meta({ example: "/healthz" }),
  /** The container's port that is asked; the image's own, else the first of `ports`. */
  port: port.optional().meta({ example: "8080" }),
  /** The status it must answer with. */
  status: z.int("an HTTP status").min(100, "an HTTP status").max(599, "an HTTP status").default(200),
  /** Text that its answer must contain. */
  body: z.string().min(1, "a text").optional().meta({ example: "ok" }),
  /** The name it is asked by (Host); the address when absent. */
  host: domain.optional(),
  /** Seconds that one attempt may take. */
  timeout: seconds(1, 300).default(5),
  /**
   * Where it is asked once it has the traffic: "outside" goes through the published port from where pulumi runs, "host" through the same
   * port on the host, for ports that a firewall closes.
   */
  from: z.enum(["outside", "host"], "outside or host").default("outside"),
});
const byCommand = z.strictObject({
  /** A program in the container, word by word, that ends with 0 when it is well. */
  command: words("a program and its arguments").meta({ example: "[bin/site, check]" }),
  /** Seconds that one attempt may take. */
  timeout: seconds(1, 300).default(5),
});

const count = (what: string, from: number, to: number) => {
  const wanted = `${what} from ${from} to ${to}`;
  return z.int(wanted).min(from, wanted).max(to, wanted);
};

/** A service that runs as one container on a machine with Docker: `berth:containers.<name>`. */
export const containerService = z
  .strictObject({
    on: containerHost.meta({ example: "web1" }),
    image: imageSource.meta({ example: "{ package: site-image }" }),
    /** The image goes through this registry; without it, it travels over ssh. */
    push: registryPush
      .optional()
      .meta({ example: "{ to: registry.example.org/me/site, user: me, password: registry-token }" }),
    /** Who pulls an image by `reference` that not everyone may have. */
    login: registryLogin.optional().meta({ example: "{ user: me, password: registry-token }" }),
    /** Arguments of the image's program instead of its own. */
    command: words("at least one word").optional().meta({ example: "[bin/site, --verbose]" }),
    env: z.record(variable, variableValue).default({}).meta({ example: "{ LOG_LEVEL: info }" }),
    /** What is secret: a name under berth:secrets for a variable; { from, as: file } for the file /run/secrets/<name>. */
    secrets: z.record(credentialName, secretUse).default({}).meta({ example: "{ DATABASE_URL: db-url }" }),
    /** What people reach: [address:]host port:container port[/udp]. */
    ports: z.array(publishedPort).default([]).meta({ example: '["80:8080"]' }),
    /** Data that outlives a release: volume or host path:container path[:ro]. */
    mounts: z.array(mount).default([]).meta({ example: "[data:/var/lib/site]" }),
    /** Who it runs as; the image's when absent. */
    user: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/, "user or user:group")
      .optional()
      .meta({ example: '"1000:1000"' }),
    /** Whether nothing but `writable` and mounts can be written; true where the image names its writable folders. */
    readOnly: z.boolean().optional().meta({ example: "true" }),
    /** Folders in memory that it may write to; those that the image names when absent. */
    writable: z.array(folder).optional().meta({ example: "[/tmp]" }),
    /** When it is well: what a path answers, or how a program in it ends. The image's own (HEALTHCHECK included) when absent. */
    health: z
      .union([byHttp, byCommand], "a path to ask, or a command")
      .optional()
      .meta({ example: "{ path: /healthz, body: ok }" }),
    /** Seconds a new release has to become healthy. */
    healthDeadline: seconds(1, 3600).default(60),
    /**
     * "proxy": the new one runs beside the old one and gets the traffic once it is healthy, without a failed request. "recreate": for what
     * cannot run twice; the old one is stopped first. Proxy where there are tcp ports and no udp ones, when absent.
     */
    switch: z.enum(["proxy", "recreate"], "proxy or recreate").optional().meta({ example: "recreate" }),
    /** Seconds the old one has to finish what it is asked, once nothing new reaches it. */
    drain: seconds(0, 3600).default(10),
    /** How it is ended: the image's signal, and seconds until it is killed. */
    stop: z
      .strictObject({
        signal: z
          .string()
          .regex(/^SIG[A-Z0-9+]{2,10}$/, "a signal such as SIGTERM")
          .optional(),
        seconds: seconds(0, 3600).optional(),
      })
      .default({})
      .meta({ example: "{ signal: SIGINT, seconds: 30 }" }),
    /** Images of this service that stay on the host, the running one included. */
    keep: count("a number of images", 1, 50).default(3),
    /** When Docker starts it again by itself. */
    restart: z
      .enum(["always", "unless-stopped", "on-failure", "no"], "always, unless-stopped, on-failure or no")
      .default("unless-stopped"),
    /** What it may use at most. */
    limits: z
      .strictObject({
        /** MB of memory. */
        memory: count("MB", 6, 16_777_216).optional(),
        /** Cores, in parts. */
        cpus: z.number("a number of cores").positive("a number of cores").optional(),
        /** Processes and threads. */
        pids: count("a number", 1, 4_194_304).optional(),
      })
      .default({})
      .meta({ example: "{ memory: 256, cpus: 0.5 }" }),
    /** A network of Docker's that it is in, made when it is not there; others in it find it under the service's name. */
    network: name("a network").optional().meta({ example: "backend" }),
  })
  .superRefine(checkService);

export type ContainerService = z.infer<typeof containerService>;
export type PublishedPort = ContainerService["ports"][number];
