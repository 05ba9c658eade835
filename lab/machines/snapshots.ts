import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copyDisk, type DiskSource, type ImageRoot, type MachineFolder, removeTree } from "./disk.ts";
import { run } from "./run.ts";

/** Copies of servers' disks, by image id. */
export class Snapshots {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  has(image: number): boolean {
    return existsSync(this.#at(image));
  }

  /**
   * Keeps a copy of a machine's disk; whoever calls holds the machine still.
   * @returns its size in GB, as the disk's files take it
   */
  async take(image: number, machine: MachineFolder, { base, docker }: ImageRoot): Promise<{ size: number }> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const partial = `${this.#at(image)}.new`;
    await removeTree(partial);
    await mkdir(partial);
    await copyDisk(machine.in("disk"), join(partial, "disk"));
    await writeFile(join(partial, "base.json"), JSON.stringify({ base, docker }));
    await removeTree(this.#at(image));
    await rename(partial, this.#at(image));
    const bytes = Number.parseInt(
      await run("du", ["--summarize", "--block-size=1", this.#at(image)], { limitMs: 60_000 }),
      10,
    );
    return { size: Math.ceil(bytes / 1e7) / 100 };
  }

  /** What a disk is laid from that is to be like the snapshot. */
  async source(image: number): Promise<DiskSource> {
    const { base, docker = null } = JSON.parse(await readFile(join(this.#at(image), "base.json"), "utf8"));
    return { base, docker, disk: join(this.#at(image), "disk") };
  }

  async remove(image: number): Promise<void> {
    await removeTree(this.#at(image));
    await removeTree(`${this.#at(image)}.new`);
  }

  #at(image: number): string {
    return join(this.#folder, String(image));
  }
}
