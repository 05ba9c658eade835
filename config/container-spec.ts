import { z } from "zod";
import type { ContainerService } from "./container.ts";
import type { ImageFacts } from "./image.ts";

const text = z.string();

/** What is to run, all of it decided: what the resource of a service is given beside its image and the way to its host. */
export const serviceSpec = z.strictObject({
  name: text,
  command: z.array(text).optional(),
  env: z.record(text, text),
  /** Variables whose value is secret, and files below /run/secrets. */
  secretEnv: z.record(text, text),
  secretFiles: z.record(text, text),
  ports: z.array(
    z.strictObject({
      /** Empty = every address of the host. */
      address: text,
      host: z.int(),
      container: z.int(),
      protocol: z.enum(["tcp", "udp"]),
    }),
  ),
  mounts: z.array(z.strictObject({ source: text, target: text, readOnly: z.boolean() })),
  user: text.optional(),
  readOnly: z.boolean(),
  writable: z.array(text),
  /** Absent = the image's HEALTHCHECK, or that it keeps running where it has none. */
  health: z
    .union([
      z.strictObject({
        path: text,
        port: z.int(),
        status: z.int(),
        body: text.optional(),
        host: text.optional(),
        timeout: z.number(),
        from: z.enum(["outside", "host"]),
      }),
      z.strictObject({ command: z.array(text), timeout: z.number() }),
    ])
    .optional(),
  /** Seconds. */
  healthDeadline: z.number(),
  switch: z.enum(["proxy", "recreate"]),
  /** Seconds. */
  drain: z.number(),
  stop: z.strictObject({ signal: text.optional(), seconds: z.number() }),
  keep: z.int(),
  restart: text,
  limits: z.strictObject({
    memory: z.number().optional(),
    cpus: z.number().optional(),
    pids: z.number().optional(),
  }),
  network: text.optional(),
});
export type ServiceSpec = z.infer<typeof serviceSpec>;

/** Seconds that a container has to end, where neither the stack nor the image says; Docker's own. */
const usualStop = 10;

/**
 * What is to run, from what the stack says and what the image tells of itself; the stack's word counts. Pure.
 * @param secretOf the value of a secret by its name under berth:secrets
 */
export function specOf(
  name: string,
  service: ContainerService,
  facts: ImageFacts,
  secretOf: (name: string) => string,
): ServiceSpec {
  const secrets = Object.entries(service.secrets);
  const valuesOf = (as: "env" | "file") =>
    Object.fromEntries(
      secrets.filter(([, use]) => use.as === as).map(([to, { from }]) => [to, secretOf(from)]),
    );
  const { command, user = facts.user, health = healthOf(facts), network } = service;
  const writable = service.writable ?? facts.writable ?? [];
  const tcpOnly = service.ports.length > 0 && service.ports.every(({ protocol }) => protocol === "tcp");
  const signal = service.stop.signal ?? facts.stop?.signal;
  return {
    name,
    ...(command && { command }),
    env: service.env,
    secretEnv: valuesOf("env"),
    secretFiles: valuesOf("file"),
    ports: service.ports,
    mounts: service.mounts,
    ...(user !== undefined && { user }),
    readOnly: service.readOnly ?? facts.writable !== undefined,
    // What a mount covers is not memory.
    writable: writable.filter((path) => !service.mounts.some(({ target }) => target === path)),
    ...(health && {
      health: "path" in health ? { ...health, port: health.port ?? portOf(service, facts) } : health,
    }),
    healthDeadline: service.healthDeadline,
    switch: service.switch ?? (tcpOnly ? "proxy" : "recreate"),
    drain: service.drain,
    stop: {
      ...(signal !== undefined && { signal }),
      seconds: service.stop.seconds ?? facts.stop?.seconds ?? usualStop,
    },
    keep: service.keep,
    restart: service.restart,
    limits: service.limits,
    ...(network !== undefined && { network }),
  };
}

const portOf = ({ ports }: ContainerService, facts: ImageFacts): number =>
  facts.port ?? ports.find(({ protocol }) => protocol === "tcp")?.container ?? 80;

/** The image's own way to be asked. */
const healthOf = (facts: ImageFacts): ContainerService["health"] =>
  facts.health && { ...facts.health, status: 200, timeout: 5, from: "outside" };
