import { z } from "zod";

/** Seconds in each unit of a Go duration. */
const units = { ms: 0.001, s: 1, m: 60, h: 3600 } as const;

/** "1m30s" in seconds. A bare number would be nanoseconds to Fly, which nobody means. */
const duration = z
  .string('a duration such as "5s" or "1m30s"')
  .regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, 'a duration such as "5s" or "1m30s"')
  .transform((text) =>
    [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
      (sum, [, amount, unit]) => sum + Number(amount) * units[unit as keyof typeof units],
      0,
    ),
  )
  .refine(Number.isInteger, "whole seconds");

/** "512mb", "1gb" or a number of MB, in MB. */
const megabytes = z.union(
  [
    z.int(),
    z
      .string()
      .regex(/^\d+ ?([mg]i?b?)?$/i)
      .transform((text) => Number.parseInt(text, 10) * (/g/i.test(text) ? 1024 : 1)),
  ],
  'an amount such as "512mb" or "1gb"',
);
/** "10gb" or a number of GB, in GB. */
const gigabytes = z.union(
  [
    z.int(),
    z
      .string()
      .regex(/^\d+ ?(gi?b?)?$/i)
      .transform((text) => Number.parseInt(text, 10)),
  ],
  'a size such as "10gb"',
);

const processes = z.array(z.string()).optional();
/** Fly takes one of something, or a list of it. */
const listOf = <T extends z.ZodType>(one: T) =>
  z.preprocess((value) => (isTable(value) ? [value] : value), z.array(one));
const isTable = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const checkKeys = {
  interval: duration.optional(),
  timeout: duration.optional(),
  grace_period: duration.optional(),
};
const httpKeys = {
  method: z.string().toUpperCase().optional(),
  path: z.string().optional(),
  protocol: z.string().optional(),
  tls_skip_verify: z.boolean().optional(),
  tls_server_name: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
};
const httpCheck = z.strictObject({ ...checkKeys, ...httpKeys });
const tcpCheck = z.strictObject(checkKeys);

const serviceKeys = {
  internal_port: z.int(),
  auto_stop_machines: z
    .union([z.boolean(), z.enum(["off", "stop", "suspend"])], '"off", "stop", "suspend", true or false')
    .transform((value) => (value === true ? "stop" : value === false ? "off" : value))
    .optional(),
  auto_start_machines: z.boolean().optional(),
  min_machines_running: z.int().optional(),
  concurrency: z
    .strictObject({
      type: z.enum(["connections", "requests"]).optional(),
      soft_limit: z.int().optional(),
      hard_limit: z.int().optional(),
    })
    .optional(),
  processes,
};

const httpService = z.strictObject({
  ...serviceKeys,
  force_https: z.boolean().optional(),
  checks: listOf(httpCheck).optional(),
});

const service = z.strictObject({
  ...serviceKeys,
  protocol: z.string().optional(),
  ports: listOf(
    z.strictObject({
      port: z.int(),
      handlers: z.array(z.string()).optional(),
      force_https: z.boolean().optional(),
    }),
  ).optional(),
  tcp_checks: listOf(tcpCheck).optional(),
  http_checks: listOf(httpCheck).optional(),
});

const machineSize = {
  size: z.string().optional(),
  memory: megabytes.optional(),
  cpu_kind: z.string().optional(),
  cpus: z.int().optional(),
  memory_mb: z.int().optional(),
};

/** A `fly.toml`, as far as it is understood: every other key is refused with its place. */
export const flyToml = z.strictObject({
  app: z.string().optional(),
  primary_region: z.string().optional(),
  kill_signal: z.string().optional(),
  kill_timeout: duration.optional(),
  swap_size_mb: z.int().optional(),
  console_command: z.string().optional(),
  build: z
    .strictObject({
      image: z.string().optional(),
      dockerfile: z.string().optional(),
      ignorefile: z.string().optional(),
      builder: z.string().optional(),
      buildpacks: z.array(z.string()).optional(),
      args: z.record(z.string(), z.unknown()).optional(),
      "build-target": z.string().optional(),
    })
    .optional(),
  deploy: z
    .strictObject({
      strategy: z.string().optional(),
      max_unavailable: z.number().optional(),
      wait_timeout: duration.optional(),
      release_command: z.string().optional(),
      release_command_timeout: duration.optional(),
      release_command_vm: z.strictObject(machineSize).optional(),
    })
    .optional(),
  env: z
    .record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean()], "a text").transform((value) => String(value)),
    )
    .optional(),
  processes: z.record(z.string(), z.string()).optional(),
  mounts: listOf(
    z.strictObject({
      source: z.string(),
      destination: z.string(),
      initial_size: gigabytes.optional(),
      processes,
    }),
  ).optional(),
  http_service: httpService.optional(),
  services: listOf(service).optional(),
  checks: z
    .record(
      z.string(),
      z.strictObject({
        ...checkKeys,
        ...httpKeys,
        type: z.enum(["http", "tcp"], "http or tcp"),
        port: z.int().optional(),
        processes,
      }),
    )
    .optional(),
  vm: listOf(z.strictObject({ ...machineSize, processes })).optional(),
  restart: listOf(
    z.strictObject({
      policy: z
        .enum(["always", "never", "on-failure"], "always, never or on-failure")
        .transform((policy) => (policy === "never" ? ("no" as const) : policy))
        .optional(),
      retries: z.int().optional(),
    }),
  )
    .refine((policies) => policies.length <= 1, "one policy for all processes")
    .optional(),
});

export type FlyToml = z.output<typeof flyToml>;
export type TomlService = z.output<typeof service>;
export type TomlHttpService = z.output<typeof httpService>;
export type TomlCheck = NonNullable<FlyToml["checks"]>[string];
export type TomlMachine = Omit<NonNullable<FlyToml["vm"]>[number], "processes">;
