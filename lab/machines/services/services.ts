import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { BalancerHealth, BalancerSpec, LabNetwork, ZoneSpec } from "../../cloud/driver.ts";
import { BadRequest } from "../bad-request.ts";
import { removeTree } from "../disk.ts";
import { keep, kept } from "../kept.ts";
import type { LabPlaces } from "../names.ts";
import { addressProblem } from "../network-choice.ts";
import type { PrivateNetworks } from "../private-networks.ts";
import { Queue } from "../queue.ts";
import { lineOf } from "../run.ts";
import { type AcmeAccess, AcmeServer } from "./acme.ts";
import { Balancer } from "./balancer.ts";
import type { BoxHome } from "./box.ts";
import { NameServer } from "./name-server.ts";

/** What the lab serves beside its servers: load balancers, names, certificates. Zones and balancers outlive the daemon. */
export class Services {
  readonly #home: BoxHome;
  readonly #network: LabNetwork;
  readonly #networks: PrivateNetworks;
  readonly #names: NameServer;
  readonly #acme: AcmeServer;
  readonly #balancers = new Map<number, Balancer>();
  readonly #work = new Queue();

  constructor(home: BoxHome, network: LabNetwork, networks: PrivateNetworks, places: LabPlaces) {
    this.#home = home;
    this.#network = network;
    this.#networks = networks;
    this.#names = new NameServer(home, network);
    this.#acme = new AcmeServer(home, network, places.acmeRoots);
  }

  /**
   * Starts what an earlier daemon served.
   * @returns what could not be started again, for people
   */
  async load(): Promise<string[]> {
    await mkdir(this.#home.folder, { recursive: true, mode: 0o700 });
    await chmod(this.#home.folder, 0o700);
    await this.#names.start(await kept<ZoneSpec[]>(this.#zonesFile, []));
    const problems: string[] = [];
    for (const spec of await kept<BalancerSpec[]>(this.#balancersFile, []))
      await this.#start(spec).catch((error: unknown) => problems.push(lineOf(error)));
    return problems;
  }

  async stop(): Promise<void> {
    await this.#work.add(async () => undefined);
    await Promise.all([
      this.#names.stop(),
      this.#acme.stop(),
      ...[...this.#balancers.values()].map((balancer) => balancer.stop()),
    ]);
  }

  setZones(zones: ZoneSpec[]): Promise<void> {
    return this.#work.add(async () => {
      await this.#names.serve(zones);
      await keep(this.#zonesFile, zones);
    });
  }

  acme(): Promise<AcmeAccess> {
    return this.#acme.access();
  }

  /** The load balancers there are. */
  get balancers(): BalancerSpec[] {
    return [...this.#balancers.values()].map(({ spec }) => spec);
  }

  setBalancers(specs: BalancerSpec[]): Promise<void> {
    return this.#work.add(async () => {
      for (const spec of specs) {
        const problem = addressProblem(this.#network, spec);
        if (problem) throw new BadRequest(problem);
      }
      const wanted = new Set(specs.map(({ id }) => id));
      for (const id of [...this.#balancers.keys()]) if (!wanted.has(id)) await this.#remove(id);
      try {
        for (const spec of specs) await this.#set(spec);
      } finally {
        await keep(this.#balancersFile, this.balancers);
      }
    });
  }

  async balancerHealth(): Promise<BalancerHealth[]> {
    return await Promise.all([...this.#balancers.values()].map((balancer) => balancer.health()));
  }

  async #set(spec: BalancerSpec): Promise<void> {
    const balancer = this.#balancers.get(spec.id);
    if (balancer?.canBecome(spec)) return await balancer.become(spec);
    await this.#stop(spec.id);
    await this.#start(spec);
  }

  async #start(spec: BalancerSpec): Promise<void> {
    const balancer = new Balancer(this.#home, this.#networks, spec);
    await balancer.start();
    this.#balancers.set(spec.id, balancer);
  }

  async #stop(id: number): Promise<void> {
    const balancer = this.#balancers.get(id);
    this.#balancers.delete(id);
    await balancer?.stop();
  }

  async #remove(id: number): Promise<void> {
    const folder = this.#balancers.get(id)?.folder;
    await this.#stop(id);
    if (folder) await removeTree(folder);
  }

  get #zonesFile(): string {
    return join(this.#home.folder, "zones.json");
  }

  get #balancersFile(): string {
    return join(this.#home.folder, "balancers.json");
  }
}
