import type { FlyApi } from "./api.ts";
import { merged } from "./compare.ts";
import { type Expected, judge, type MachineVerdict, type Patience } from "./judge.ts";
import { type Leases, leaseTtl } from "./leases.ts";
import { metadata, type WantedMachine } from "./machine.ts";
import { configOf, imageOf, isAsleep, nameOf, processOf } from "./plan.ts";
import type { FlyMachine, MachineConfig } from "./shapes.ts";

/** A machine that is not as it was. */
export type Touched =
  | { what: "changed"; before: FlyMachine }
  /** Out of the traffic, and otherwise as it was. */
  | { what: "cordoned"; machine: FlyMachine }
  | { what: "made"; machine: FlyMachine };

/** A machine that did not become healthy. */
export class Unhealthy extends Error {
  override readonly name = "Unhealthy";
  readonly because: string;

  constructor(machine: FlyMachine, because: string) {
    super(`the machine ${nameOf(machine)} did not become healthy: ${because}`);
    this.because = because;
  }
}

/** A release under way. */
export interface Work {
  api: FlyApi;
  leases: Leases;
  /** Names this release on machines that are on trial for it. */
  id: string;
  patience: Patience;
  /** Milliseconds a machine has for what it was asked. */
  drain: number;
  minSecretsVersion: number | undefined;
  touched: Touched[];
  say: (line: string) => void;
  signal: AbortSignal | undefined;
}

export const serves = (machine: FlyMachine): boolean => {
  const services = configOf(machine)["services"];
  return machine.state === "started" && !machine.cordoned && Array.isArray(services) && services.length > 0;
};

/** Make a machine beside the others; it gets traffic once it is healthy and `admit` was called. */
export async function make(work: Work, wanted: WantedMachine): Promise<FlyMachine> {
  const { api, leases } = work;
  const config = await withVolume(work, wanted);
  const own = config["metadata"];
  const machine = await api.createMachine({
    config: { ...config, metadata: { ...(typeof own === "object" ? own : {}), [metadata.trial]: work.id } },
    region: wanted.region,
    skipServiceRegistration: true,
    leaseTtl,
    ...(work.minSecretsVersion !== undefined && { minSecretsVersion: work.minSecretsVersion }),
  });
  work.touched.push({ what: "made", machine });
  if (machine.nonce) leases.adopt(machine.id, machine.nonce);
  else await leases.take(machine.id, work.signal);
  work.say(`${nameOf(machine)}: made for ${wanted.process}`);
  await mustBeHealthy(work, machine, {
    id: machine.id,
    version: machine.instance_id,
    digest: digestOf(wanted.config),
  });
  return machine;
}

/** Let a new machine have traffic. */
export async function admit({ api, leases }: Work, machine: FlyMachine): Promise<void> {
  await api.uncordon(machine.id, leases.nonce(machine.id));
}

/** Change a machine in place. Where others serve, it gets nothing new first; it gets traffic once it is healthy. */
export async function change(
  work: Work,
  machine: FlyMachine,
  wanted: WantedMachine,
  othersServe: boolean,
  launch: boolean,
): Promise<void> {
  const { api, leases } = work;
  const { id } = machine;
  const aside = othersServe && serves(machine);
  work.touched.push({ what: "changed", before: machine });
  if (aside) await stepAside(work, id);
  const config = merged(configOf(machine), wanted.config);
  const asleep = isAsleep(machine);
  const updated = await api.updateMachine(
    machine,
    {
      config,
      region: machine.region,
      skipLaunch: asleep && !launch,
      ...(work.minSecretsVersion !== undefined && { minSecretsVersion: work.minSecretsVersion }),
    },
    leases.nonce(id),
    machine.instance_id,
  );
  work.say(`${nameOf(machine)}: updated${asleep && !launch ? ", and left stopped" : ""}`);
  if (asleep && !launch) return await mustRun(work, machine, updated, wanted);
  await mustBeHealthy(work, machine, { id, version: updated.instance_id, digest: digestOf(wanted.config) });
  // One that was found out of the traffic, as a way back that failed leaves it, gets it again like the others.
  if (aside || machine.cordoned) await api.uncordon(id, leases.nonce(id));
  // It was started to see that the release starts at all, and is left as it was found.
  if (asleep) await api.stop(id, leases.nonce(id));
}

/** Take a machine that is no longer needed out of the traffic, and destroy it. */
export async function retire(work: Work, machine: FlyMachine): Promise<void> {
  const { api, leases } = work;
  const nonce = await leases.ensure(machine.id);
  if (serves(machine)) await stepAside(work, machine.id);
  if (machine.state === "started") await api.stop(machine.id, nonce);
  await api.destroy(machine.id, nonce);
  leases.forget(machine.id);
  work.say(`${nameOf(machine)}: gone`);
}

/** Nothing new for a machine, and time for what it has. */
export async function stepAside({ api, leases, drain, signal }: Work, id: string): Promise<void> {
  await api.cordon(id, leases.nonce(id));
  await api.clock.sleep(drain, signal);
}

async function mustBeHealthy(work: Work, machine: FlyMachine, expected: Expected): Promise<void> {
  const verdict = await verdictOn(work, expected);
  if (!verdict.healthy) throw new Unhealthy(machine, verdict.because);
  work.say(`${nameOf(machine)}: healthy`);
}

/** On the way to a release, which ends where it is cancelled or a machine is somebody else's. */
const verdictOn = (work: Work, expected: Expected): Promise<MachineVerdict> =>
  judge(work.api, expected, work.patience, () => {
    work.signal?.throwIfAborted();
    work.leases.check();
  });

/** One that is left stopped has to have the new image all the same. */
async function mustRun(
  { api }: Work,
  machine: FlyMachine,
  updated: FlyMachine,
  wanted: WantedMachine,
): Promise<void> {
  const now = await api.machine(machine.id);
  if (now?.image_ref.digest !== digestOf(wanted.config) || now.instance_id !== updated.instance_id)
    throw new Unhealthy(machine, `it was told another image, and has ${now ? imageOf(now) : "gone"}`);
}

/** The configuration with the id of a volume nobody uses; one is made where there is none. */
async function withVolume(
  { api, say }: Work,
  { config, volume, region }: WantedMachine,
): Promise<MachineConfig> {
  if (!volume) return config;
  const free = (await api.volumes()).find(
    (one) =>
      one.name === volume.name &&
      one.region === region &&
      !one.attached_machine_id &&
      one.state !== "destroyed",
  );
  const { id } = free ?? (await api.createVolume(volume.name, region, volume.size));
  if (!free) say(`the volume ${volume.name} (${region}) was made: ${volume.size} GB`);
  return { ...config, mounts: [{ volume: id, name: volume.name, path: volume.path }] };
}

export const digestOf = (config: MachineConfig): string => String(config["image"]).split("@")[1] ?? "";

/** Machines of one process that serve. */
export const othersServing = (all: readonly FlyMachine[], machine: FlyMachine): boolean =>
  all.some((one) => one.id !== machine.id && processOf(one) === processOf(machine) && serves(one));

/**
 * Do something to so many at a time. All that were begun have ended when it does, so that what is taken back stands still; after one has
 * failed no other is begun.
 */
export async function inPools<T, R>(
  items: readonly T[],
  size: number,
  act: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += size) {
    const settled = await Promise.allSettled(items.slice(from, from + size).map(act));
    const failed = settled.filter((one) => one.status === "rejected").map(({ reason }): unknown => reason);
    if (failed.length === 1) throw failed[0];
    if (failed.length > 1) throw new AggregateError(failed);
    results.push(...settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
  }
  return results;
}
