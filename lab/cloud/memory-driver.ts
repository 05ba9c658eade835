import type {
  BalancerHealth,
  BalancerSpec,
  FloatingAddress,
  LabNetwork,
  MachineFirewall,
  MachineSpec,
  MachineStatus,
  PrivateInterface,
  RescueSpec,
  ServerDriver,
  VolumeSpec,
  ZoneSpec,
} from "./driver.ts";

interface Machine {
  spec: MachineSpec;
  status: "running" | "off";
  boots: number;
  /** What the last boot loaded. */
  booted: "disk" | "rescue";
  /** Names what is on the disk: another one when an image was laid on it. */
  disk: string;
}

export interface MemoryDriverOptions {
  network?: LabNetwork;
  /** Milliseconds every change takes. */
  latency?: number;
  /** Whether a guest obeys the power button. */
  obeysShutdown?: boolean;
}

/** Servers that exist only as a table, for tests and for looking around in the API without root. */
export class MemoryDriver implements ServerDriver {
  readonly machines = new Map<number, Machine>();
  /** Every change that was asked for, in order. */
  readonly calls: string[] = [];
  firewalls: MachineFirewall[] = [];
  privateInterfaces: PrivateInterface[] = [];
  volumes: VolumeSpec[] = [];
  floating: FloatingAddress[] = [];
  balancers: BalancerSpec[] = [];
  zones: ZoneSpec[] = [];
  /** How targets of load balancers are, by "<balancer> <key> <port>"; the others are unknown. */
  readonly health = new Map<string, "healthy" | "unhealthy">();
  /** Copies of disks by image id. */
  readonly snapshots = new Map<number, { size: number; disk: string }>();
  /** Servers whose next boot is the rescue system. */
  readonly rescue = new Map<number, RescueSpec>();
  readonly #network: LabNetwork;
  readonly #latency: number;
  readonly #obeysShutdown: boolean;
  #disks = 0;
  readonly #failures = new Map<string, string[]>();

  constructor({ network, latency = 0, obeysShutdown = true }: MemoryDriverOptions = {}) {
    this.#network = network ?? { ipv4: "10.87.12.0/24", ipv6: "fd7a:31c2:9e00::/48" };
    this.#latency = latency;
    this.#obeysShutdown = obeysShutdown;
  }

  /** Makes the next call of a method reject. */
  failNext(method: keyof ServerDriver, message: string): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), message]);
  }

  /** A machine that was there before, as disks are after a restart. */
  adopt(spec: MachineSpec): void {
    this.machines.set(spec.id, { spec, status: "off", boots: 0, booted: "disk", disk: this.#disk(spec) });
  }

  async network(): Promise<LabNetwork> {
    return this.#network;
  }

  async create(spec: MachineSpec): Promise<void> {
    await this.#work("create", spec.id);
    this.adopt(spec);
  }

  async rebuild(spec: MachineSpec): Promise<void> {
    await this.#work("rebuild", spec.id);
    Object.assign(this.#machine(spec.id), { spec, disk: this.#disk(spec) });
  }

  async configure(spec: MachineSpec): Promise<void> {
    await this.#work("configure", spec.id);
    this.#machine(spec.id).spec = spec;
  }

  async start(id: number): Promise<void> {
    await this.#work("start", id);
    const machine = this.#machine(id);
    if (machine.status === "off") this.#boot(machine);
  }

  async shutdown(id: number): Promise<void> {
    await this.#work("shutdown", id);
    const machine = this.#machine(id);
    if (this.#obeysShutdown) {
      setTimeout(() => {
        machine.status = "off";
      }, this.#latency);
    }
  }

  async stop(id: number): Promise<void> {
    await this.#work("stop", id);
    this.#machine(id).status = "off";
  }

  async reset(id: number): Promise<void> {
    await this.#work("reset", id);
    this.#boot(this.#machine(id));
  }

  async remove(id: number): Promise<void> {
    await this.#work("remove", id);
    this.machines.delete(id);
  }

  async status(id: number): Promise<MachineStatus> {
    this.#failWhenAsked("status");
    return this.machines.get(id)?.status ?? "missing";
  }

  async setFirewalls(firewalls: MachineFirewall[]): Promise<void> {
    await this.#work("setFirewalls");
    this.firewalls = firewalls;
  }

  async setPrivateInterfaces(interfaces: PrivateInterface[]): Promise<void> {
    await this.#work("setPrivateInterfaces");
    this.privateInterfaces = interfaces;
  }

  async setVolumes(volumes: VolumeSpec[]): Promise<void> {
    await this.#work("setVolumes");
    this.volumes = volumes;
  }

  async setFloatingAddresses(addresses: FloatingAddress[]): Promise<void> {
    await this.#work("setFloatingAddresses");
    this.floating = addresses;
  }

  async takeSnapshot(serverId: number, image: number): Promise<{ size: number }> {
    await this.#work("takeSnapshot", serverId);
    const taken = { size: 0.5, disk: this.#machine(serverId).disk };
    this.snapshots.set(image, taken);
    return { size: taken.size };
  }

  async removeSnapshot(image: number): Promise<void> {
    await this.#work("removeSnapshot", image);
    this.snapshots.delete(image);
  }

  async setRescue(id: number, rescue: RescueSpec | null): Promise<void> {
    await this.#work("setRescue", id);
    rescue === null ? this.rescue.delete(id) : this.rescue.set(id, rescue);
  }

  async setBalancers(balancers: BalancerSpec[]): Promise<void> {
    await this.#work("setBalancers");
    this.balancers = balancers;
  }

  async balancerHealth(): Promise<BalancerHealth[]> {
    this.#failWhenAsked("balancerHealth");
    return this.balancers.map(({ id, services, targets }) => ({
      id,
      targets: services.flatMap(({ listenPort }) =>
        targets.map(({ key }) => ({
          key,
          listenPort,
          status: this.health.get(`${id} ${key} ${listenPort}`) ?? ("unknown" as const),
        })),
      ),
    }));
  }

  async setZones(zones: ZoneSpec[]): Promise<void> {
    await this.#work("setZones");
    this.zones = zones;
  }

  async acme(): Promise<null> {
    return null;
  }

  #boot(machine: Machine): void {
    machine.status = "running";
    machine.boots++;
    machine.booted = this.rescue.delete(machine.spec.id) ? "rescue" : "disk";
  }

  #disk({ image }: MachineSpec): string {
    if (typeof image === "string") return `${image} ${++this.#disks}`;
    const snapshot = this.snapshots.get(image);
    if (snapshot === undefined) throw new Error(`there is no snapshot ${image}`);
    return snapshot.disk;
  }

  async #work(method: keyof ServerDriver, id?: number): Promise<void> {
    this.calls.push(id === undefined ? method : `${method} ${id}`);
    await new Promise((resolve) => setTimeout(resolve, this.#latency));
    this.#failWhenAsked(method);
  }

  #failWhenAsked(method: keyof ServerDriver): void {
    const message = this.#failures.get(method)?.shift();
    if (message !== undefined) {
      throw new Error(message);
    }
  }

  #machine(id: number): Machine {
    const machine = this.machines.get(id);
    if (machine === undefined) {
      throw new Error(`there is no machine ${id}`);
    }
    return machine;
  }
}
