import type { LabNetwork, MachineFirewall, MachineSpec, MachineStatus, ServerDriver } from "./driver.ts";

interface Machine {
  spec: MachineSpec;
  status: "running" | "off";
  boots: number;
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
  readonly #network: LabNetwork;
  readonly #latency: number;
  readonly #obeysShutdown: boolean;
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
    this.machines.set(spec.id, { spec, status: "off", boots: 0 });
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
    this.#machine(spec.id).spec = spec;
  }

  async configure(spec: MachineSpec): Promise<void> {
    await this.#work("configure", spec.id);
    this.#machine(spec.id).spec = spec;
  }

  async start(id: number): Promise<void> {
    await this.#work("start", id);
    const machine = this.#machine(id);
    machine.boots += machine.status === "off" ? 1 : 0;
    machine.status = "running";
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
    const machine = this.#machine(id);
    machine.status = "running";
    machine.boots++;
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
