import { z } from "zod";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
/** A machine's configuration as the API takes and gives it; what Berth does not know in it is kept. */
export type MachineConfig = { [key: string]: Json | undefined };

const config = z.custom<MachineConfig>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

const exit = z.looseObject({
  exit_code: z.number().nullish(),
  guest_exit_code: z.number().nullish(),
  oom_killed: z.boolean().nullish(),
  requested_stop: z.boolean().nullish(),
});

/** A machine, as far as Berth reads it. The API leaves out what is empty. */
export const flyMachine = z.looseObject({
  id: z.string(),
  name: z.string().default(""),
  /** E.g. "started"; also created, starting, stopping, stopped, suspended, replacing, destroying, destroyed, failed. */
  state: z.string(),
  region: z.string(),
  /** The version: another one for each configuration a machine had. */
  instance_id: z.string().default(""),
  image_ref: z
    .looseObject({
      registry: z.string().optional(),
      repository: z.string().optional(),
      digest: z.string().optional(),
    })
    .default({}),
  config: config.nullish(),
  /** When it cannot be read whole, as its host does not answer. */
  incomplete_config: config.nullish(),
  host_status: z.string().optional(),
  cordoned: z.boolean().default(false),
  /** Of the lease that it was made with. */
  nonce: z.string().optional(),
  checks: z
    .array(z.looseObject({ name: z.string(), status: z.string(), output: z.string().nullish() }))
    .nullish()
    .transform((checks) => checks ?? []),
  /** The newest first. */
  events: z
    .array(
      z.looseObject({
        type: z.string(),
        timestamp: z.number().optional(),
        request: z
          .looseObject({
            exit_event: exit.nullish(),
            MonitorEvent: z.looseObject({ exit_event: exit.nullish() }).nullish(),
          })
          .nullish(),
      }),
    )
    .nullish()
    .transform((events) => events ?? []),
});
export type FlyMachine = z.infer<typeof flyMachine>;

export const flyApplication = z.looseObject({
  name: z.string(),
  status: z.string().optional(),
  organization: z.looseObject({ slug: z.string() }).optional(),
});

export const flyLease = z.looseObject({
  data: z.looseObject({ nonce: z.string(), expires_at: z.number().optional() }),
});

export const flySecrets = z.looseObject({
  secrets: z
    .array(z.looseObject({ name: z.string(), digest: z.string().default("") }))
    .nullish()
    .transform((secrets) => secrets ?? []),
  /** Raised by each change. */
  version: z.number().optional(),
});

export const flyVolume = z.looseObject({
  id: z.string(),
  name: z.string(),
  region: z.string(),
  state: z.string().optional(),
  size_gb: z.number().optional(),
  attached_machine_id: z.string().nullish(),
});
export type FlyVolume = z.infer<typeof flyVolume>;

export const flyAddress = z.looseObject({
  ip: z.string(),
  region: z.string().nullish(),
  shared: z.boolean().nullish(),
});
export type FlyAddress = z.infer<typeof flyAddress>;

export const flyCertificate = z.looseObject({
  hostname: z.string().optional(),
  configured: z.boolean().nullish(),
  status: z.string().nullish(),
});

/** What lies at a path in JSON. */
export const jsonAt = (value: Json | undefined, ...path: string[]): Json | undefined =>
  path.reduce<Json | undefined>(
    (inner, key) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner) && Object.hasOwn(inner, key)
        ? inner[key]
        : undefined,
    value,
  );
