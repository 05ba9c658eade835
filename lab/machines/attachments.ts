import type { FloatingAddress, PrivateInterface, VolumeSpec } from "../cloud/driver.ts";
import { BadRequest } from "./bad-request.ts";
import { keep, kept } from "./kept.ts";
import type { LabPlaces } from "./names.ts";
import type { Attachments } from "./plugged.ts";
import type { PrivateNetworks } from "./private-networks.ts";
import { Queue } from "./queue.ts";
import { Volumes, volumeChanges } from "./volumes.ts";

interface Kept {
  interfaces: PrivateInterface[];
  floating: FloatingAddress[];
  volumes: VolumeSpec[];
}

/** Has a server's machine, if there is one and it runs, follow what hangs on it. */
export type Replug = (server: number) => Promise<void>;

/** What hangs on servers: private interfaces, volumes, floating addresses. Kept, so that it outlives the daemon. */
export class ServerAttachments {
  readonly #file: string;
  readonly #networks: PrivateNetworks;
  readonly #volumes: Volumes;
  #interfaces: PrivateInterface[];
  #floating: FloatingAddress[];
  /** One change at a time. */
  readonly #changes = new Queue();

  private constructor(file: string, networks: PrivateNetworks, volumes: Volumes, before: Kept) {
    this.#file = file;
    this.#networks = networks;
    this.#volumes = volumes;
    this.#interfaces = before.interfaces;
    this.#floating = before.floating;
  }

  /** What an earlier daemon kept. */
  static async load(places: LabPlaces, networks: PrivateNetworks, image: string): Promise<ServerAttachments> {
    const none: Kept = { interfaces: [], floating: [], volumes: [] };
    const before = await kept(places.attachments, none);
    const volumes = new Volumes(places.volumes, image, before.volumes);
    return new ServerAttachments(places.attachments, networks, volumes, before);
  }

  get floating(): FloatingAddress[] {
    return this.#floating;
  }

  /** What a server's machine has plugged in. */
  async of(server: number): Promise<Attachments> {
    return {
      interfaces: this.#interfaces.filter((card) => card.server === server),
      volumes: await this.#volumes.of(server),
    };
  }

  setInterfaces(interfaces: PrivateInterface[], replug: Replug): Promise<void> {
    return this.#changes.add(async () => {
      const before = this.#interfaces;
      this.#interfaces = interfaces;
      await this.#keep();
      for (const server of new Set([...before, ...interfaces].map((card) => card.server)))
        await replug(server);
      for (const network of new Set(before.map((card) => card.network)))
        if (!interfaces.some((card) => card.network === network)) await this.#networks.forget(network);
    });
  }

  setVolumes(volumes: VolumeSpec[], replug: Replug): Promise<void> {
    return this.#changes.add(async () => {
      const { problem } = volumeChanges(this.#volumes.specs, volumes);
      if (problem) throw new BadRequest(problem);
      await this.#volumes.set(volumes, replug).finally(() => this.#keep());
    });
  }

  /** @param enforce has the routes and the packet rules follow */
  setFloating(addresses: FloatingAddress[], enforce: () => Promise<void>): Promise<void> {
    return this.#changes.add(async () => {
      this.#floating = addresses;
      await this.#keep();
      await enforce();
    });
  }

  /** Gives up what belongs to this machine; all servers are off. */
  close(): Promise<void> {
    return this.#changes.add(() => this.#volumes.close());
  }

  async #keep(): Promise<void> {
    const now: Kept = {
      interfaces: this.#interfaces,
      floating: this.#floating,
      volumes: this.#volumes.specs,
    };
    await keep(this.#file, now);
  }
}
