import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabNetwork, MachineSpec, RescueSpec } from "../cloud/driver.ts";
import type { BootFacts } from "./boot-choice.ts";
import { keep, kept } from "./kept.ts";
import type { RealBoot } from "./nspawn.ts";
import { type Plugged, writeNetworkFile } from "./plugged.ts";
import { run } from "./run.ts";
import { cloudSeed, uplinkNetwork } from "./seed.ts";

/** What the rescue system has over the base image. */
const RESCUE = join(import.meta.dirname, "rescue");

/** How long copying a disk may take. */
const COPY_LIMIT_MS = 240_000;

/** The image that a disk is a layer over. */
export interface ImageRoot {
  /** Root of the base image. */
  base: string;
  /** What an image with Docker has over that; null for one without. */
  docker: string | null;
}

/** What a new disk is laid from. */
export interface DiskSource extends ImageRoot {
  /** A disk to copy; null for a fresh Debian. */
  disk: string | null;
}

/** What a machine was ordered as. */
export interface MachineOrder {
  spec: MachineSpec;
  image: ImageRoot;
}

/** The same as it is written down. */
interface KeptOrder {
  spec: MachineSpec;
  image: string;
  docker?: string | null;
}

/** A machine's folder: its order, disk, firmware and console. */
export class MachineFolder {
  readonly path: string;
  readonly #network: LabNetwork;

  constructor(path: string, network: LabNetwork) {
    this.path = path;
    this.#network = network;
  }

  in(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Lays an image on an empty disk. The order goes last: a folder without one is an unfinished creation. */
  async lay(spec: MachineSpec, { disk, ...image }: DiskSource): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await rm(this.in("order.json"), { force: true });
    await this.setRescue(null);
    await Promise.all(["disk", "firmware", "work"].map((name) => this.#clear(name)));
    if (disk) await copyDisk(disk, this.in("disk"));
    else {
      await mkdir(this.in("disk/debian"));
      if (image.docker) await mkdir(this.in("disk/docker"), { mode: 0o710 });
    }
    await this.note(spec, image);
  }

  /** Notes what the next boot loads instead of the disk; null takes it back. */
  async setRescue(rescue: RescueSpec | null): Promise<void> {
    if (rescue) await keep(this.in("rescue.json"), rescue);
    else await rm(this.in("rescue.json"), { force: true });
  }

  /** Notes a machine's order, and tells a Debian on its disk. */
  async note(spec: MachineSpec, image: ImageRoot): Promise<void> {
    if (existsSync(this.in("disk/debian"))) {
      const seed = this.in("disk/debian/var/lib/cloud/seed/nocloud");
      await mkdir(seed, { recursive: true });
      for (const [name, content] of Object.entries(cloudSeed(spec, this.#network)))
        await writeFile(join(seed, name), content, { mode: 0o600 });
    }
    await keep(this.in("order.json"), { spec, image: image.base, docker: image.docker });
  }

  /** Empties a folder that only root enters: the machines' files keep their owners and setuid bits. */
  async #clear(name: string): Promise<void> {
    await removeTree(this.in(name));
    await mkdir(this.in(name), { recursive: true, mode: 0o700 });
  }

  /** The order and the image the disk was laid from; null when there is none. */
  async order(): Promise<MachineOrder | null> {
    const order = await kept<KeptOrder | null>(this.in("order.json"), null);
    return order && { spec: order.spec, image: { base: order.image, docker: order.docker ?? null } };
  }

  /** What the boot is chosen by. */
  async facts(): Promise<BootFacts> {
    const text = (...names: string[]) => readFile(this.in(...names), "utf8").catch(() => null);
    const names = await readdir(this.in("disk/esp/loader/entries")).catch(() => []);
    const entries = await Promise.all(
      names.map(async (name) => [name, (await text("disk/esp/loader/entries", name)) ?? ""] as const),
    );
    return {
      handover: existsSync(this.in("firmware/kexec/next")),
      rescue: existsSync(this.in("rescue.json")),
      oneshot: await text("firmware/oneshot"),
      loader: await text("disk/esp/loader/loader.conf"),
      entries: Object.fromEntries(entries),
      debian: existsSync(this.in("disk/debian")),
      docker: existsSync(this.in("disk/docker")),
    };
  }

  /** Makes what a boot needs beside the disk, and uses up the handover, the one-time entry and the rescue system. */
  async prepare(
    spec: MachineSpec,
    image: ImageRoot,
    installer: string,
    choice: RealBoot,
    { cards }: Plugged,
  ): Promise<void> {
    for (const layer of [image.base, ...(image.docker ? [image.docker] : [])])
      if (!existsSync(layer))
        throw new Error(
          `the image ${layer} its disk was laid from is gone: rebuild the server, or delete it`,
        );
    await mkdir(this.in("work"), { recursive: true, mode: 0o700 });
    for (const name of ["base", "docker"] as const) {
      await rm(this.in("work", name), { force: true });
      if (image[name]) await symlink(image[name], this.in("work", name));
    }
    await this.#clear("work/networks");
    await chmod(this.in("work/networks"), 0o755);
    for (const { card } of cards) await writeNetworkFile(this, card);
    await writeFile(this.in("work/networks/10-uplink.network"), uplinkNetwork(spec));
    await writeFile(this.in("work/no-cloud-init"), "");
    await rm(this.in("firmware/oneshot"), { force: true });
    await removeTree(this.in("work/handover"));
    if (choice.boot === "installer") {
      await rename(this.in("firmware/kexec"), this.in("work/handover"));
      await mkdir(this.in("work/handover/root"), { recursive: true });
      await this.#copyLayer(installer, "work/installer");
    }
    if (choice.boot === "rescue") await this.#prepareRescue();
    if (choice.boot === "installed") await mkdir(this.in("disk/root"), { recursive: true });
  }

  async #prepareRescue(): Promise<void> {
    const { sshKeys }: RescueSpec = JSON.parse(await readFile(this.in("rescue.json"), "utf8"));
    await this.#copyLayer(RESCUE, "work/rescue");
    await mkdir(this.in("work/rescue/root/.ssh"), { recursive: true, mode: 0o700 });
    await writeFile(
      this.in("work/rescue/root/.ssh/authorized_keys"),
      sshKeys.map((key) => `${key}\n`).join(""),
      { mode: 0o600 },
    );
    await this.setRescue(null);
  }

  /** The checkout's files belong to a user; as a layer of a root they must be root's. */
  async #copyLayer(source: string, target: string): Promise<void> {
    if (!existsSync(source)) throw new Error(`the layer ${source} is missing`);
    const layer = this.in(target);
    await removeTree(layer);
    await cp(source, layer, { recursive: true, verbatimSymlinks: true });
    await run("chown", ["-R", "-h", "0:0", layer]);
    await run("chmod", ["-R", "u=rwX,go=rX", layer]);
  }

  async remove(): Promise<void> {
    await removeTree(this.path);
  }
}

/** Never crosses into another file system, should something still be mounted there. */
export async function removeTree(path: string): Promise<void> {
  await run("rm", ["-rf", "--one-file-system", "--", path], { limitMs: 120_000 });
}

/** Copies a folder with everything that makes it a disk: owners, times, holes, hard links, the overlay's own marks. */
export async function copyDisk(from: string, to: string): Promise<void> {
  await run("cp", ["--archive", "--reflink=auto", "--sparse=auto", "--no-target-directory", "--", from, to], {
    limitMs: COPY_LIMIT_MS,
  });
}
