import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
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
import type { ServerAttachments } from "./attachments.ts";
import { BadRequest } from "./bad-request.ts";
import { type DiskSource, MachineFolder } from "./disk.ts";
import { DOCKER_IMAGE } from "./docker-layer.ts";
import { type Guarded, ruleset } from "./firewall.ts";
import { keep, kept } from "./kept.ts";
import { Machine, type MachineHome } from "./machine.ts";
import { GATEWAY, type LabPlaces, METADATA_ADDRESS } from "./names.ts";
import { addressProblem, ownAddresses } from "./network-choice.ts";
import { Queue, Queues } from "./queue.ts";
import { serviceAddresses } from "./services/service-addresses.ts";
import type { Services } from "./services/services.ts";
import { Snapshots } from "./snapshots.ts";

/** Images this driver can play. */
const IMAGES = ["debian-13", DOCKER_IMAGE];

/** How long `quit` waits for machines to shut down before it cuts their power. */
const QUIT_LIMIT_MS = 30_000;

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
  /** Where the lab's name server answers this machine. */
  dns: { ipv4: string; ipv6: string };
  network: LabNetwork;
  image: string;
  machines: {
    id: number;
    name: string;
    ipv4: string | null;
    ipv6: string | null;
    state: MachineStatus;
    /** What runs ("debian", "installer", "rescue", "installed") and its init's process id on this machine; null when off. */
    current: { boot: string; init: number } | null;
    console: string;
  }[];
}

/** The servers of a lab, played by systemd-nspawn. */
export class Machines implements ServerDriver {
  readonly #home: MachineHome;
  readonly #places: LabPlaces;
  readonly #image: string;
  readonly #dockerLayer: () => Promise<string>;
  readonly #machines = new Map<number, Machine>();
  readonly #queues = new Queues<number>();
  readonly #snapshots: Snapshots;
  readonly #attached: ServerAttachments;
  readonly #services: Services;
  #firewalls = new Map<number, MachineFirewall["rules"]>();
  readonly #enforcing = new Queue();

  constructor(
    home: MachineHome,
    attached: ServerAttachments,
    services: Services,
    places: LabPlaces,
    image: string,
    dockerLayer: () => Promise<string>,
  ) {
    this.#home = home;
    this.#attached = attached;
    this.#services = services;
    this.#places = places;
    this.#image = image;
    this.#dockerLayer = dockerLayer;
    this.#snapshots = new Snapshots(places.snapshots);
  }

  /** Takes over the machines of an earlier daemon; all are off. */
  async load(): Promise<void> {
    await mkdir(this.#places.machines, { recursive: true });
    const firewalls = await kept<MachineFirewall[]>(this.#places.firewalls, []);
    this.#firewalls = new Map(firewalls.map(({ id, rules }) => [id, rules]));
    for (const name of await readdir(this.#places.machines)) {
      if (!/^\d+$/.test(name)) continue;
      const folder = this.#folder(name);
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
      const folder = this.#folder(String(spec.id));
      const source = await this.#source(spec);
      await folder.lay(spec, source);
      const order = { spec, image: source };
      this.#machines.set(spec.id, new Machine(this.#home, folder, order));
      await this.#home.wiring.addServer(spec);
      await this.#enforce();
    });
  }

  rebuild(spec: MachineSpec): Promise<void> {
    return this.#withMachine(spec.id, async (machine) => {
      this.#check(spec);
      const before = machine.spec;
      await machine.lay(spec, await this.#source(spec));
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

  setPrivateInterfaces(interfaces: PrivateInterface[]): Promise<void> {
    return this.#attached.setInterfaces(interfaces, (id) => this.#replug(id));
  }

  setVolumes(volumes: VolumeSpec[]): Promise<void> {
    return this.#attached.setVolumes(volumes, (id) => this.#replug(id));
  }

  async setFloatingAddresses(addresses: FloatingAddress[]): Promise<void> {
    for (const { ip } of addresses) {
      const family = ip.includes(":") ? { ipv4: null, ipv6: ip } : { ipv4: ip, ipv6: null };
      const problem = addressProblem(this.#home.wiring.network, family);
      if (problem) throw new BadRequest(problem);
    }
    await this.#attached.setFloating(addresses, () => this.#enforce());
  }

  takeSnapshot(serverId: number, image: number): Promise<{ size: number }> {
    return this.#withMachine(serverId, (machine) =>
      machine.frozen(() => this.#snapshots.take(image, machine.folder, machine.image)),
    );
  }

  removeSnapshot(image: number): Promise<void> {
    return this.#snapshots.remove(image);
  }

  setRescue(id: number, rescue: RescueSpec | null): Promise<void> {
    return this.#withMachine(id, (machine) => machine.setRescue(rescue));
  }

  async setBalancers(balancers: BalancerSpec[]): Promise<void> {
    for (const balancer of balancers)
      for (const { spec, title } of this.#machines.values()) refuseShared(balancer, spec, title);
    await this.#services.setBalancers(balancers);
  }

  balancerHealth(): Promise<BalancerHealth[]> {
    return this.#services.balancerHealth();
  }

  setZones(zones: ZoneSpec[]): Promise<void> {
    return this.#services.setZones(zones);
  }

  acme(): Promise<{ directory: string; root: string }> {
    return this.#services.acme();
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
      dns: serviceAddresses(wiring.network).dns,
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
    await this.#attached.close();
  }

  #check(spec: MachineSpec): void {
    if (typeof spec.image === "number" && !this.#snapshots.has(spec.image))
      throw new BadRequest(`there is no snapshot ${spec.image}`);
    if (typeof spec.image === "string" && !IMAGES.includes(spec.image))
      throw new BadRequest(`image ${spec.image} cannot be played: the lab has ${IMAGES.join(", ")}`);
    const problem = addressProblem(this.#home.wiring.network, spec);
    if (problem) throw new BadRequest(problem);
    for (const other of this.#machines.values())
      if (other.spec.id !== spec.id) refuseShared(spec, other.spec, other.title);
    for (const other of this.#services.balancers)
      refuseShared(spec, other, `load balancer ${other.id} (${other.name})`);
  }

  #withMachine<T>(id: number, work: (machine: Machine) => Promise<T>): Promise<T> {
    return this.#inTurn(id, () => {
      const machine = this.#machines.get(id);
      if (!machine) throw new BadRequest(`there is no server ${id}`);
      return work(machine);
    });
  }

  #folder(name: string): MachineFolder {
    return new MachineFolder(join(this.#places.machines, name), this.#home.wiring.network);
  }

  async #source({ image }: MachineSpec): Promise<DiskSource> {
    if (typeof image === "number") return await this.#snapshots.source(image);
    const docker = image === DOCKER_IMAGE ? await this.#dockerLayer() : null;
    return { base: this.#image, docker, disk: null };
  }

  #replug(id: number): Promise<void> {
    return this.#inTurn(id, async () => await this.#machines.get(id)?.replug());
  }

  /** One thing at a time for a server. */
  #inTurn<T>(id: number, work: () => Promise<T>): Promise<T> {
    return this.#queues.of(id).add(work);
  }

  /** Puts the rules in force and keeps them, so that a server is never open for want of the cloud. */
  #enforce(): Promise<void> {
    return this.#enforcing.add(() => this.#enforceNow());
  }

  async #enforceNow(): Promise<void> {
    const firewalls = [...this.#firewalls].map(([id, rules]) => ({ id, rules }));
    const guarded: Guarded[] = [...this.#machines.values()].map(({ spec }) => ({
      id: spec.id,
      ipv4: spec.ipv4,
      ipv6: spec.ipv6,
      floating: this.#attached.floating.filter(({ server }) => server === spec.id).map(({ ip }) => ip),
      rules: this.#firewalls.get(spec.id) ?? null,
    }));
    await this.#home.wiring.enforce(ruleset(guarded));
    await this.#home.wiring.routeFloating(
      this.#attached.floating.flatMap(({ ip, server }) => {
        const machine = server === null ? undefined : this.#machines.get(server);
        return machine ? [{ ip, server: machine.spec.id, mac: machine.spec.mac }] : [];
      }),
    );
    if (existsSync(this.#places.machines)) await keep(this.#places.firewalls, firewalls);
  }
}

interface Addressed {
  ipv4: string | null;
  ipv6: string | null;
}

/** @throws {BadRequest} when two would have an address in common */
function refuseShared(one: Addressed, other: Addressed, title: string): void {
  for (const family of ["ipv4", "ipv6"] as const)
    if (one[family] && one[family] === other[family]) throw new BadRequest(`${one[family]} is ${title}'s`);
}
