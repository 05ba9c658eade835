import type { Clock } from "../../deployer/clock.ts";
import { type Json, jsonAt, type MachineConfig } from "../../deployer/fly/shapes.ts";
import { checksWanted, runCheck } from "./checks.ts";
import type { GuestDriver } from "./driver.ts";
import type { FlyFaults } from "./faults.ts";
import {
  type AppRecord,
  type EventRecord,
  FlyApiError,
  type MachineRecord,
  newId,
  newVersion,
} from "./records.ts";

/** Milliseconds that starting and replacing take. */
const bootTime = 700;

/** What a client says of a machine to make or change. */
export interface LaunchInput {
  config: MachineConfig;
  region: string;
  name?: string | undefined;
  skipLaunch: boolean;
  cordoned: boolean;
  minSecretsVersion: number | undefined;
}

/** The life of machines: launched, updated, watched, checked, restarted, destroyed. */
export class Machines {
  readonly #driver: GuestDriver;
  readonly #clock: Clock;
  readonly #faults: FlyFaults;
  #closed = false;

  constructor(driver: GuestDriver, clock: Clock, faults: FlyFaults) {
    this.#driver = driver;
    this.#clock = clock;
    this.#faults = faults;
  }

  close(): void {
    this.#closed = true;
  }

  async create(app: AppRecord, input: LaunchInput): Promise<MachineRecord> {
    if (this.#faults.take("capacity", ({ region }) => region === input.region))
      throw new FlyApiError(
        412,
        `insufficient resources to create new machine in ${input.region}`,
        "insufficient_capacity",
      );
    const image = await this.#resolve(input.config);
    const id = newId(7);
    this.#attach(app, id, input);
    const machine: MachineRecord = {
      id,
      name: input.name ?? `machine-${id.slice(0, 6)}`,
      region: input.region,
      state: input.skipLaunch ? "stopped" : "created",
      version: newVersion(),
      config: input.config,
      image,
      cordoned: input.cordoned,
      secretsVersion: app.secretsVersion,
      secrets: Object.fromEntries(app.secrets),
      lease: undefined,
      checks: [],
      events: [],
      restarts: 0,
      versions: [],
      createdAt: new Date().toISOString(),
    };
    machine.versions.unshift({ version: machine.version, user_config: machine.config });
    app.machines.set(id, machine);
    this.#tell(machine, "launch", "created");
    if (!input.skipLaunch) void this.#boot(app, machine, machine.version);
    return machine;
  }

  async update(app: AppRecord, machine: MachineRecord, input: LaunchInput): Promise<void> {
    const image = await this.#resolve(input.config);
    const before = { config: machine.config, image: machine.image };
    this.#attach(app, machine.id, input);
    this.#give(machine, input.config, image);
    // Secrets reach a machine with an update, and never otherwise.
    machine.secretsVersion = app.secretsVersion;
    machine.secrets = Object.fromEntries(app.secrets);
    this.#tell(machine, "update", "replacing");
    const { version } = machine;
    machine.state = "replacing";
    machine.checks = [];
    await this.#driver.stop(machine.id);
    if (input.skipLaunch) {
      machine.state = "stopped";
      return;
    }
    const reverted = this.#faults.take("silent-revert") !== undefined;
    void this.#boot(app, machine, version).then(() => {
      if (!reverted) return;
      this.#give(machine, before.config, before.image);
      return this.#driver.stop(machine.id).then(() => this.#boot(app, machine, machine.version));
    });
  }

  async start(app: AppRecord, machine: MachineRecord): Promise<void> {
    if (machine.state === "started" || machine.state === "starting") return;
    if (machine.state !== "stopped" && machine.state !== "suspended")
      throw new FlyApiError(412, `unable to start machine from current state: '${machine.state}'`);
    machine.state = "starting";
    void this.#boot(app, machine, machine.version);
  }

  async stop(machine: MachineRecord): Promise<void> {
    if (machine.state === "stopped") return;
    machine.state = "stopped";
    machine.checks = [];
    await this.#driver.stop(machine.id);
    this.#tell(machine, "exit", "stopped", { exit_code: 0, requested_stop: true });
  }

  async destroy(app: AppRecord, machine: MachineRecord, force: boolean): Promise<void> {
    if (!force && machine.state === "started")
      throw new FlyApiError(412, `unable to destroy machine, not currently stopped or suspended`);
    machine.state = "destroyed";
    machine.checks = [];
    await this.#driver.remove(machine.id);
    for (const volume of app.volumes.values())
      if (volume.attachedTo === machine.id) volume.attachedTo = undefined;
    this.#tell(machine, "destroy", "destroyed");
  }

  #give(machine: MachineRecord, config: MachineConfig, image: MachineRecord["image"]): void {
    machine.config = config;
    machine.image = image;
    machine.version = newVersion();
    machine.restarts = 0;
    machine.versions.unshift({ version: machine.version, user_config: config });
  }

  async #resolve(config: MachineConfig): Promise<MachineRecord["image"]> {
    const image = String(config["image"] ?? "");
    const facts = await this.#driver.resolve(image);
    if (!facts) throw new FlyApiError(400, `failed to get manifest ${image}: MANIFEST_UNKNOWN`);
    return facts;
  }

  #attach(app: AppRecord, id: string, { config, region }: LaunchInput): void {
    const mounts = Array.isArray(config["mounts"]) ? config["mounts"] : [];
    for (const mount of mounts) {
      const volume = app.volumes.get(String(jsonAt(mount, "volume")));
      if (!volume) throw new FlyApiError(400, "volume is required for a mount");
      if (volume.region !== region) throw new FlyApiError(422, `volume ${volume.id} is in ${volume.region}`);
      if (volume.attachedTo !== undefined && volume.attachedTo !== id)
        throw new FlyApiError(412, `volume ${volume.id} is attached to another machine`);
      volume.attachedTo = id;
    }
  }

  async #boot(app: AppRecord, machine: MachineRecord, version: string): Promise<void> {
    await this.#clock.sleep(bootTime);
    if (this.#closed || machine.version !== version || machine.state === "destroyed") return;
    const { config } = machine;
    const env = {
      ...texts(config["env"]),
      ...machine.secrets,
      FLY_APP_NAME: app.name,
      FLY_MACHINE_ID: machine.id,
      FLY_REGION: machine.region,
      FLY_IMAGE_REF: String(config["image"]),
    };
    const command = jsonAt(config, "init", "cmd");
    const guest = {
      image: String(config["image"]),
      env,
      command: Array.isArray(command) ? command.map(String) : [],
      ports: portsOf(config),
    };
    try {
      await this.#driver.start(machine.id, guest);
    } catch {
      // What cannot be started has ended, as a process that is not there.
      return await this.#ended(app, machine, 127, 0);
    }
    machine.state = "started";
    this.#tell(machine, "start", "started");
    const slow = this.#faults.take("slow-checks")?.seconds ?? 0;
    void this.#watch(app, machine, version, this.#clock.now());
    for (const check of checksWanted(config)) void this.#check(machine, version, check, slow * 1000);
  }

  /** Ends when the machine has another version, or is started no more. */
  async #watch(app: AppRecord, machine: MachineRecord, version: string, since: number): Promise<void> {
    while (!this.#closed && machine.version === version && machine.state === "started") {
      const seen = await this.#driver.state(machine.id);
      if (machine.version !== version || machine.state !== "started") return;
      if (!seen.running) return await this.#ended(app, machine, seen.exitCode, this.#clock.now() - since);
      await this.#clock.sleep(this.#driver.lookEvery ?? 250);
    }
  }

  async #ended(app: AppRecord, machine: MachineRecord, exitCode: number, lived: number): Promise<void> {
    this.#tell(machine, "exit", "stopped", { exit_code: exitCode, requested_stop: false });
    machine.checks = [];
    const policy = jsonAt(machine.config, "restart", "policy") ?? "on-failure";
    const most = Number(jsonAt(machine.config, "restart", "max_retries") ?? 10);
    // Who has lived for long starts to count anew.
    machine.restarts = lived > 60_000 ? 0 : machine.restarts + 1;
    const again =
      policy === "always" || (policy === "on-failure" && exitCode !== 0 && machine.restarts <= most);
    machine.state = again ? "starting" : "stopped";
    if (!again) return;
    this.#tell(machine, "restart", "starting");
    await this.#boot(app, machine, machine.version);
  }

  async #check(
    machine: MachineRecord,
    version: string,
    check: ReturnType<typeof checksWanted>[number],
    slow: number,
  ): Promise<void> {
    const began = this.#clock.now();
    const mine = () => !this.#closed && machine.version === version && machine.state === "started";
    const starts = machine.events[0]?.timestamp;
    while (mine() && machine.events.find(({ type }) => type === "start")?.timestamp === starts) {
      const late = this.#clock.now() - began < slow;
      const found = late
        ? { name: check.name, status: "critical" as const, output: "connection refused" }
        : await runCheck(this.#driver, machine.id, check);
      if (!mine()) return;
      machine.checks = [...machine.checks.filter(({ name }) => name !== check.name), found];
      // An unhealthy machine is asked more often, so that a start is seen soon.
      await this.#clock.sleep(found.status === "passing" ? check.interval : Math.min(check.interval, 1000));
    }
  }

  #tell(
    machine: MachineRecord,
    type: EventRecord["type"],
    status: string,
    exit?: { exit_code: number; requested_stop: boolean },
  ): void {
    machine.events.unshift({
      type,
      status,
      source: "flyd",
      timestamp: Math.round(this.#clock.now()),
      ...(exit && { request: { exit_event: exit } }),
    });
  }
}

/** Ports that people or checks ask. */
function portsOf(config: MachineConfig): number[] {
  const services = Array.isArray(config["services"]) ? config["services"] : [];
  const served = services.map((service) => Number(jsonAt(service, "internal_port")));
  return [...new Set([...served, ...checksWanted(config).map(({ port }) => port)])];
}

const texts = (map: Json | undefined): Record<string, string> =>
  typeof map === "object" && map !== null && !Array.isArray(map)
    ? Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]))
    : {};
