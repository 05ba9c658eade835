import { z } from "zod";
import type { MachineConfig } from "../../deployer/fly/shapes.ts";
import type { AddRoute, ApiRequest } from "./api.ts";
import { appOf } from "./app-api.ts";
import type { LaunchInput } from "./machines.ts";
import { type AppRecord, FlyApiError, type MachineRecord, newId, viewOf } from "./records.ts";
import type { World } from "./simulator.ts";

const launch = z.looseObject({
  config: z.looseObject({ image: z.string() }),
  region: z.string().optional(),
  name: z.string().optional(),
  skip_launch: z.boolean().default(false),
  skip_service_registration: z.boolean().default(false),
  min_secrets_version: z.number().optional(),
  current_version: z.string().optional(),
  lease_ttl: z.number().optional(),
});

/** Milliseconds between two looks of a request that waits. */
const lookEvery = 100;

/** Routes of machines, with their leases. */
export function machineRoutes(world: World, add: AddRoute): void {
  const { machines, clock } = world;
  const at = "/apps/:app/machines";
  const one = `${at}/:machine`;

  add("GET", at, (request) =>
    [...appOf(world, request).machines.values()].filter(({ state }) => state !== "destroyed").map(viewOf),
  );
  add("POST", at, async (request) => {
    const app = appOf(world, request);
    const body = request.body(launch);
    if (body.region === undefined) throw new FlyApiError(400, "region is required");
    const made = await machines.create(app, inputOf(body, app, body.region, body.skip_service_registration));
    if (body.lease_ttl === undefined) return viewOf(made);
    made.lease = { nonce: newId(8), expiresAt: clock.now() + body.lease_ttl * 1000 };
    return { ...viewOf(made), nonce: made.lease.nonce };
  });

  add("GET", one, (request) => viewOf(machineOf(world, request).machine));
  add("POST", one, async (request) => {
    const { app, machine } = held(world, request);
    const body = request.body(launch);
    if (body.current_version !== undefined && body.current_version !== machine.version)
      throw new FlyApiError(412, `machine version mismatch: it is at ${machine.version}`);
    await machines.update(app, machine, inputOf(body, app, machine.region, machine.cordoned));
    return viewOf(machine);
  });
  add("DELETE", one, async (request) => {
    const { app, machine } = held(world, request);
    const force = request.query.get("force") === "true" || request.query.get("kill") === "true";
    await machines.destroy(app, machine, force);
    return { ok: true };
  });

  add("POST", `${one}/start`, async (request) => {
    const { app, machine } = held(world, request);
    await machines.start(app, machine);
    return { ok: true };
  });
  add("POST", `${one}/stop`, async (request) => {
    await machines.stop(held(world, request).machine);
    return { ok: true };
  });
  for (const cordoned of [true, false])
    add("POST", `${one}/${cordoned ? "cordon" : "uncordon"}`, (request) => {
      held(world, request).machine.cordoned = cordoned;
      return { ok: true };
    });

  add("GET", `${one}/wait`, async (request) => {
    const { machine } = machineOf(world, request);
    const state = request.query.get("state") ?? "started";
    const version = request.query.get("version");
    const timeout = Number(request.query.get("timeout") ?? 60);
    if (!(timeout >= 1 && timeout <= 60))
      throw new FlyApiError(400, "timeout must be between 1 and 60 seconds");
    const until = clock.now() + timeout * 1000;
    while (clock.now() < until) {
      if (version !== null && machine.version !== version)
        throw new FlyApiError(400, `machine has been updated to version ${machine.version}`);
      if (machine.state === state) return { ok: true, state, version: machine.version };
      await clock.sleep(lookEvery);
    }
    throw new FlyApiError(408, `deadline_exceeded: machine is ${machine.state}`);
  });

  add("GET", `${one}/versions`, (request) => machineOf(world, request).machine.versions);
  add("POST", `${one}/metadata/:key`, (request) => {
    const { machine } = held(world, request);
    const { value } = request.body(z.looseObject({ value: z.string() }));
    setMetadata(machine, request.param("key"), value);
    return undefined;
  });
  add("DELETE", `${one}/metadata/:key`, (request) => {
    setMetadata(held(world, request).machine, request.param("key"), undefined);
    return undefined;
  });

  leaseRoutes(world, add, `${one}/lease`);
}

function leaseRoutes(world: World, add: AddRoute, path: string): void {
  const { clock, faults } = world;
  const view = (lease: NonNullable<MachineRecord["lease"]>) => ({
    status: "success",
    data: { nonce: lease.nonce, expires_at: Math.round(lease.expiresAt / 1000) },
  });
  add("GET", path, (request) => {
    const lease = leaseOf(world, machineOf(world, request).machine);
    if (!lease) throw new FlyApiError(404, "lease not found");
    return view({ ...lease, nonce: "" });
  });
  add("POST", path, (request) => {
    const { machine } = machineOf(world, request);
    const ttl = Number(request.query.get("ttl") ?? 30);
    const nonce = request.header("fly-machine-lease-nonce");
    const lost = nonce !== undefined ? faults.take("lost-lease") : undefined;
    if (lost) {
      const expiresAt = clock.now() + lost.taken * 1000;
      machine.lease = lost.taken > 0 ? { nonce: newId(8), expiresAt } : undefined;
    }
    const lease = leaseOf(world, machine);
    if (lease && lease.nonce !== nonce) throw new FlyApiError(409, "lease currently held by another client");
    if (!lease && nonce !== undefined) throw new FlyApiError(404, "lease not found");
    machine.lease = { nonce: lease?.nonce ?? newId(8), expiresAt: clock.now() + ttl * 1000 };
    return view(machine.lease);
  });
  add("DELETE", path, (request) => {
    held(world, request).machine.lease = undefined;
    return { ok: true };
  });
}

const inputOf = (
  body: z.output<typeof launch>,
  app: AppRecord,
  region: string,
  cordoned: boolean,
): LaunchInput => {
  if (body.min_secrets_version !== undefined && body.min_secrets_version > app.secretsVersion)
    throw new FlyApiError(412, "secrets are not at that version yet");
  return {
    config: body.config as MachineConfig,
    region,
    name: body.name,
    skipLaunch: body.skip_launch,
    cordoned,
    minSecretsVersion: body.min_secrets_version,
  };
};

function machineOf(world: World, request: ApiRequest): { app: AppRecord; machine: MachineRecord } {
  const app = appOf(world, request);
  const machine = app.machines.get(request.param("machine"));
  if (!machine) throw new FlyApiError(404, "machine not found");
  return { app, machine };
}

/** The machine of a change: there, and held by nobody else. */
function held(world: World, request: ApiRequest): { app: AppRecord; machine: MachineRecord } {
  const found = machineOf(world, request);
  if (found.machine.state === "destroyed") throw new FlyApiError(404, "machine not found");
  const lease = leaseOf(world, found.machine);
  const nonce = request.header("fly-machine-lease-nonce");
  if (lease && lease.nonce !== nonce) throw new FlyApiError(409, "machine is leased by another client");
  return found;
}

/** A machine's lease, if it has not run out. */
function leaseOf(world: World, machine: MachineRecord): MachineRecord["lease"] {
  return machine.lease && machine.lease.expiresAt > world.clock.now() ? machine.lease : undefined;
}

function setMetadata(machine: MachineRecord, key: string, value: string | undefined): void {
  const { metadata } = machine.config;
  const others = Object.entries(typeof metadata === "object" && metadata !== null ? metadata : {}).filter(
    ([name]) => name !== key,
  );
  machine.config = {
    ...machine.config,
    metadata: { ...Object.fromEntries(others), ...(value !== undefined && { [key]: value }) },
  };
}
