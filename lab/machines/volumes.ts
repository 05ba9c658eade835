import { existsSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { VolumeSpec } from "../cloud/driver.ts";
import { attachLoop, detachLoop, growLoop, loopDevicesIn } from "./loop-devices.ts";
import type { VolumeDevice } from "./plugged.ts";
import { run } from "./run.ts";
import { waitFor } from "./waiting.ts";

const GB = 1024 ** 3;

/** How long a detached volume's last user may take to let go. */
const RELEASE_LIMIT_MS = 30_000;

/** What becomes of the volumes when one list of them replaces another. */
export interface VolumeChanges {
  made: VolumeSpec[];
  grown: VolumeSpec[];
  /** Those that no longer hang where they hung, the removed ones among them. */
  detached: VolumeSpec[];
  removed: VolumeSpec[];
  /** One line about what cannot be, or null. */
  problem: string | null;
}

/** Compares two lists of volumes. */
export function volumeChanges(before: VolumeSpec[], after: VolumeSpec[]): VolumeChanges {
  const was = new Map(before.map((volume) => [volume.id, volume]));
  const is = new Map(after.map((volume) => [volume.id, volume]));
  const shrunk = after.find(({ id, size }) => size < (was.get(id)?.size ?? 0));
  const problem =
    is.size < after.length
      ? "a volume is named twice"
      : shrunk
        ? `volume ${shrunk.id} has ${was.get(shrunk.id)?.size} GB and cannot shrink to ${shrunk.size}`
        : null;
  return {
    made: after.filter(({ id }) => !was.has(id)),
    grown: after.filter(({ id, size }) => size > (was.get(id)?.size ?? size)),
    detached: before.filter(({ id, server }) => server !== null && is.get(id)?.server !== server),
    removed: before.filter(({ id }) => !is.has(id)),
    problem,
  };
}

/**
 * Volumes: sparse files of the lab, apart from every server's disk, so that neither an install nor a snapshot ever has
 * one under its hands. Servers see them as loop devices, which are there from the first use to the detaching.
 */
export class Volumes {
  readonly #folder: string;
  readonly #image: string;
  #specs: VolumeSpec[];
  readonly #loops = new Map<number, string>();

  /** @param image root of the lab's image, which has the tools that make file systems */
  constructor(folder: string, image: string, specs: VolumeSpec[]) {
    this.#folder = folder;
    this.#image = image;
    this.#specs = specs;
  }

  get specs(): VolumeSpec[] {
    return this.#specs;
  }

  /** The volumes that hang on a server, with their devices. */
  async of(server: number): Promise<VolumeDevice[]> {
    const mine = this.#specs.filter((spec) => spec.server === server);
    const devices: VolumeDevice[] = [];
    for (const { id } of mine) devices.push({ id, device: await this.#device(id) });
    return devices;
  }

  /**
   * Replaces the list.
   * @param replug has a server's machine follow the list as it is then
   */
  async set(specs: VolumeSpec[], replug: (server: number) => Promise<void>): Promise<void> {
    const { made, grown, detached, removed } = volumeChanges(this.#specs, specs);
    const gone = new Set(detached.map(({ id }) => id));
    this.#specs = this.#specs.map((spec) => (gone.has(spec.id) ? { ...spec, server: null } : spec));
    for (const server of serversOf(detached)) await replug(server);
    for (const { id } of detached) await this.#release(id);
    for (const { id } of removed) await rm(this.#file(id), { force: true });
    for (const spec of made) await this.#make(spec);
    for (const spec of grown) await this.#grow(spec);
    this.#specs = specs;
    for (const server of serversOf(specs)) await replug(server);
  }

  /** Gives all devices up; the machines are off. */
  async close(): Promise<void> {
    for (const id of [...this.#loops.keys()]) await this.#release(id);
  }

  #file(id: number): string {
    return join(this.#folder, `${id}.img`);
  }

  /** A file that has its name is complete: made, of its size, and formatted. */
  async #make({ id, size, format }: VolumeSpec): Promise<void> {
    const file = this.#file(id);
    if (existsSync(file)) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await rm(`${file}.new`, { force: true });
    await resize(`${file}.new`, size);
    if (format) await this.#format(`${id}.img.new`, format);
    await rename(`${file}.new`, file);
  }

  async #format(name: string, format: "ext4" | "xfs"): Promise<void> {
    const script = join(import.meta.dirname, "format-volume.sh");
    const args = ["sh", script, this.#image, this.#folder, name, format];
    await run("unshare", ["--mount", "--propagation", "private", ...args], { limitMs: 60_000 });
  }

  async #grow({ id, size }: VolumeSpec): Promise<void> {
    await resize(this.#file(id), size);
    const device = this.#loops.get(id);
    if (device) await growLoop(device);
  }

  async #device(id: number): Promise<string> {
    const held = this.#loops.get(id);
    if (held) return held;
    if (!existsSync(this.#file(id))) throw new Error(`volume ${id} has lost its file ${this.#file(id)}`);
    const device = await attachLoop(this.#file(id)).catch((error: Error) => {
      throw new Error(`volume ${id} cannot be attached: ${error.message}`);
    });
    this.#loops.set(id, device);
    return device;
  }

  async #release(id: number): Promise<void> {
    const device = this.#loops.get(id);
    if (!device) return;
    await detachLoop(device);
    this.#loops.delete(id);
    await waitFor(
      `the release of volume ${id} (${device}) by its last user`,
      async () => ((await loopDevicesIn(this.#folder)).some((loop) => loop.device === device) ? null : true),
      RELEASE_LIMIT_MS,
      50,
    );
  }
}

function serversOf(specs: VolumeSpec[]): number[] {
  return [...new Set(specs.flatMap(({ server }) => (server === null ? [] : [server])))];
}

/** Makes a file as long as a disk of `size` GB, without filling it. */
async function resize(file: string, size: number): Promise<void> {
  const handle = await open(file, "a", 0o600);
  try {
    await handle.truncate(size * GB);
  } finally {
    await handle.close();
  }
}
