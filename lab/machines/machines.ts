import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
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
} from "../cloud/driver.ts";
import { MachineFolder } from "./disk.ts";
import { type Guarded, ruleset } from "./firewall.ts";
import { Machine, type MachineHome } from "./machine.ts";
import { GATEWAY, type LabPlaces, METADATA_ADDRESS } from "./names.ts";
import { addressProblem, ownAddresses } from "./network-choice.ts";

/** Images this driver can play. */
const IMAGES = ["debian-13"];

/** How long `quit` waits for machines to shut down before it cuts their power. */
const QUIT_LIMIT_MS = 15_000;

/** The caller asked for something that cannot be. */
export class BadRequest extends Error {}

/** What `info` tells. */
export interface DriverInfo {
  id: string;
  pid: number;
  namespace: string;
  bridge: string;
  /** This machine's end of the veth, from which it reaches the servers, and the namespace's end. */
  addresses: { outside: { ipv4: string; ipv6: string }; inside: { ipv4: string; ipv6: string } };
  gateway: { ipv4: string; ipv6: string };
  metadata: string;
  network: LabNetwork;
  image: string;
  machines: {
    id: number;
    name: string;
    ipv4: string | null;
    ipv6: string | null;
    state: MachineStatus;
    /** What runs ("debian", "installer", "installed") and its init's process id on this machine; null when off. */
    current: { boot: string; init: number } | null;
    console: string;
  }[];
}

/** The servers of a lab, played by systemd-nspawn. */
export class Machines implements ServerDriver {
  readonly #home: MachineHome;
  readonly #places: LabPlaces;
  readonly #image: string;
  readonly #machines = new Map<number, Machine>();
  readonly #queues = new Map<number, Promise<unknown>>();
  #firewalls = new Map<number, MachineFirewall["rules"]>();
  #enforcing: Promise<void> = Promise.resolve();

  constructor(home: MachineHome, places: LabPlaces, image: string) {
    this.#home = home;
    this.#places = places;
    this.#image = image;
  }

  /** Takes over the machines of an earlier daemon; all are off. */
  async load(): Promise<void> {
    await mkdir(this.#places.machines, { recursive: true });
    const kept: MachineFirewall[] = JSON.parse(
      await readFile(this.#places.firewalls, "utf8").catch(() => "[]"),
    );
    this.#firewalls = new Map(kept.map(({ id, rules }) => [id, rules]));
    for (const name of await readdir(this.#places.machines)) {
      if (!/^\d+$/.test(name)) continue;
      const folder = new MachineFolder(join(this.#places.machines, name));
      const order = await folder.order();
      if (!order) await folder.remove();
      else this.#machines.set(Number(name), new Machine(this.#home, folder, order));
    }
    for (const machine of this.#machines.values()) await this.#home.wiring.addServer(machine.spec);
    await this.#enforce();
  }

  async network(): Promise<LabNetwork> {
    return this.#home.wiring.network;
  }

  create(spec: MachineSpec): Promise<void> {
    return this.#inTurn(spec.id, async () => {
      if (this.#machines.has(spec.id)) throw new BadRequest(`server ${spec.id} exists already`);
      this.#check(spec);
      const folder = new MachineFolder(join(this.#places.machines, String(spec.id)));
      await folder.lay(spec, this.#image);
      this.#machines.set(spec.id, new Machine(this.#home, folder, { spec, image: this.#image }));
      await this.#home.wiring.addServer(spec);
      await this.#enforce();
    });
  }

  rebuild(spec: MachineSpec): Promise<void> {
    return this.#withMachine(spec.id, async (machine) => {
      this.#check(spec);
      const before = machine.spec;
      await machine.lay(spec, this.#image);
      await this.#home.wiring.removeServer(before);
      await this.#home.wiring.addServer(spec);
      await this.#enforce();
    });
  }

  configure(spec: MachineSpec): Promise<void> {
    return this.#withMachine(spec.id, async (machine) => {
      if (machine.running)
        throw new BadRequest(`${machine.title} runs: power it off before its addresses change`);
      this.#check(spec);
      const before = machine.spec;
      await machine.configure(spec);
      await this.#home.wiring.removeServer(before);
      await this.#home.wiring.addServer(spec);
      await this.#enforce();
    });
  }

  start(id: number): Promise<void> {
    return this.#withMachine(id, (machine) => machine.start());
  }

  shutdown(id: number): Promise<void> {
    return this.#withMachine(id, async (machine) => machine.shutdown());
  }

  stop(id: number): Promise<void> {
    return this.#withMachine(id, (machine) => machine.stop());
  }

  reset(id: number): Promise<void> {
    return this.#withMachine(id, async (machine) => {
      await machine.stop();
      await machine.start();
    });
  }

  remove(id: number): Promise<void> {
    return this.#inTurn(id, async () => {
      const machine = this.#machines.get(id);
      if (!machine) return;
      await machine.stop();
      await this.#home.wiring.removeServer(machine.spec);
      this.#machines.delete(id);
      this.#firewalls.delete(id);
      await this.#enforce();
      await machine.folder.remove();
    });
  }

  async status(id: number): Promise<MachineStatus> {
    const machine = this.#machines.get(id);
    if (!machine) return "missing";
    return machine.running ? "running" : "off";
  }

  async setFirewalls(firewalls: MachineFirewall[]): Promise<void> {
    this.#firewalls = new Map(firewalls.map(({ id, rules }) => [id, rules]));
    await this.#enforce();
  }

  async setPrivateInterfaces(_interfaces: PrivateInterface[]): Promise<void> {
    throw new BadRequest("private networks cannot be played yet");
  }

  async setVolumes(_volumes: VolumeSpec[]): Promise<void> {
    throw new BadRequest("volumes cannot be played yet");
  }

  async setFloatingAddresses(_addresses: FloatingAddress[]): Promise<void> {
    throw new BadRequest("floating addresses cannot be played yet");
  }

  async takeSnapshot(_serverId: number, _image: number): Promise<{ size: number }> {
    throw new BadRequest("snapshots cannot be taken yet");
  }

  async removeSnapshot(_image: number): Promise<void> {}

  async setRescue(_id: number, _rescue: RescueSpec | null): Promise<void> {
    throw new BadRequest("the rescue system cannot be played yet");
  }

  async setBalancers(_balancers: BalancerSpec[]): Promise<void> {
    throw new BadRequest("load balancers cannot be played yet");
  }

  async balancerHealth(): Promise<BalancerHealth[]> {
    return [];
  }

  async setZones(_zones: ZoneSpec[]): Promise<void> {
    throw new BadRequest("zones cannot be served yet");
  }

  async acme(): Promise<{ directory: string; root: string } | null> {
    return null;
  }

  info(): DriverInfo {
    const { wiring } = this.#home;
    return {
      id: wiring.names.id,
      pid: process.pid,
      namespace: wiring.names.namespace,
      bridge: wiring.names.bridge,
      addresses: ownAddresses(wiring.network),
      gateway: GATEWAY,
      metadata: METADATA_ADDRESS,
      network: wiring.network,
      image: this.#image,
      machines: [...this.#machines.values()].map((machine) => ({
        id: machine.spec.id,
        name: machine.spec.name,
        ipv4: machine.spec.ipv4,
        ipv6: machine.spec.ipv6,
        state: machine.running ? "running" : "off",
        current: machine.current,
        console: machine.folder.in("console.log"),
      })),
    };
  }

  /** Shuts every machine down, and cuts the power of those that take too long. */
  async quit(): Promise<void> {
    const ids = [...this.#machines.keys()];
    await Promise.all(
      ids.map((id) =>
        this.#withMachine(id, async (machine) => {
          machine.shutdown();
          await machine.off(QUIT_LIMIT_MS);
          await machine.stop();
        }),
      ),
    );
  }

  #check(spec: MachineSpec): void {
    if (typeof spec.image === "number" || !IMAGES.includes(spec.image))
      throw new BadRequest(`image ${spec.image} cannot be played: the lab has ${IMAGES.join(", ")}`);
    const problem = addressProblem(this.#home.wiring.network, spec);
    if (problem) throw new BadRequest(problem);
    for (const other of this.#machines.values()) {
      if (other.spec.id === spec.id) continue;
      if (spec.ipv4 && other.spec.ipv4 === spec.ipv4)
        throw new BadRequest(`${spec.ipv4} is ${other.title}'s`);
      if (spec.ipv6 && other.spec.ipv6 === spec.ipv6)
        throw new BadRequest(`${spec.ipv6} is ${other.title}'s`);
    }
  }

  #withMachine<T>(id: number, work: (machine: Machine) => Promise<T>): Promise<T> {
    return this.#inTurn(id, () => {
      const machine = this.#machines.get(id);
      if (!machine) throw new BadRequest(`there is no server ${id}`);
      return work(machine);
    });
  }

  /** One thing at a time for a server. */
  #inTurn<T>(id: number, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(id) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    this.#queues.set(id, mine);
    return mine;
  }

  /** Puts the rules in force and keeps them, so that a server is never open for want of the cloud. */
  #enforce(): Promise<void> {
    const next = this.#enforcing.catch(() => undefined).then(() => this.#enforceNow());
    this.#enforcing = next;
    return next;
  }

  async #enforceNow(): Promise<void> {
    const firewalls = [...this.#firewalls].map(([id, rules]) => ({ id, rules }));
    const guarded: Guarded[] = [...this.#machines.values()].map(({ spec }) => ({
      id: spec.id,
      ipv4: spec.ipv4,
      ipv6: spec.ipv6,
      rules: this.#firewalls.get(spec.id) ?? null,
    }));
    await this.#home.wiring.enforce(ruleset(guarded));
    if (!existsSync(this.#places.machines)) return;
    await writeFile(`${this.#places.firewalls}.new`, JSON.stringify(firewalls), { mode: 0o600 });
    await rename(`${this.#places.firewalls}.new`, this.#places.firewalls);
  }
}
