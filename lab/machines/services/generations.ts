import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A file of a service's configuration. */
export interface ServiceFile {
  name: string;
  content: string;
  /** Root's alone. */
  secret?: boolean;
}

/** What a service sees of its folder `data/`. */
const SEEN = "/run/lab";

/**
 * A service's configuration and the files it names, replaced as a whole: the new ones are laid beside the old ones, can be
 * checked there, and take their place by one rename.
 */
export class Generations {
  readonly #data: string;
  readonly #main: string;
  #count = 0;

  /**
   * @param data the service's folder
   * @param main name of the configuration, which names the other files by their full paths
   */
  constructor(data: string, main: string) {
    this.#data = data;
    this.#main = main;
  }

  /** Path of a file of a generation, as the service sees it. */
  path(generation: string, name: string): string {
    return `${SEEN}/${generation}/${name}`;
  }

  /**
   * Writes a generation.
   * @param files is told the folder as the service sees it
   */
  async lay(files: (folder: string) => ServiceFile[]): Promise<string> {
    const generation = `generation-${process.pid}-${++this.#count}`;
    const folder = join(this.#data, generation);
    await mkdir(folder, { recursive: true });
    for (const { name, content, secret } of files(`${SEEN}/${generation}`))
      await writeFile(join(folder, name), content, { mode: secret ? 0o600 : 0o644 });
    return generation;
  }

  async drop(generation: string): Promise<void> {
    await rm(join(this.#data, generation), { recursive: true, force: true });
  }

  /** Makes a generation the one that the service reads, now and after a restart. */
  async use(generation: string): Promise<void> {
    await rename(join(this.#data, generation, this.#main), join(this.#data, this.#main));
    for (const name of await readdir(this.#data))
      if (name.startsWith("generation-") && name !== generation) await this.drop(name);
  }
}
