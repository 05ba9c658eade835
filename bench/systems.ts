import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** A version of the benchmark's system, built. */
export interface BenchSystem {
  drvPath: string;
  toplevel: string;
}

/** What a release changes: bytes of each path beside the toplevel. */
export const changes = {
  /** An app's new version: 2 paths, 0.3 MB. */
  app: [300_000],
  /** A dependency's new version: 6 paths, 20 MB. */
  large: [4_000_000, 4_000_000, 4_000_000, 4_000_000, 4_000_000],
} as const;
export type Change = keyof typeof changes;

const expression = fileURLToPath(new URL("./systems.nix", import.meta.url));

/** Builds versions on a base that all of them share: about 200 paths, 230 MB. What it builds is rooted in its folder, and garbage when that is gone. */
export class Systems {
  readonly #base: string;
  readonly #roots: string;
  readonly #env: Record<string, string>;
  readonly #name: string;
  #built = 0;

  /** @param base the lab's own toplevel */
  constructor(base: string, folder: string, env: Record<string, string>) {
    this.#base = base;
    this.#roots = join(folder, "bench-roots");
    this.#env = env;
    this.#name = Date.now().toString(36);
  }

  /** A version that no host and no store has seen. */
  async fresh(change: Change): Promise<BenchSystem> {
    const number = this.#built++;
    const version = `${this.#name}-${number}`;
    await mkdir(this.#roots, { recursive: true });
    const options = { env: this.#env, timeout: 300_000 };
    const instantiated = await execa(
      "nix-instantiate",
      [
        ...[expression, "--add-root", join(this.#roots, `${number}.drv`)],
        ...["--argstr", "base", this.#base, "--argstr", "version", version],
        ...["--argstr", "changing", changes[change].join(" ")],
      ],
      options,
    );
    const drvPath = (await execa("readlink", ["-f", instantiated.stdout], options)).stdout;
    const root = join(this.#roots, String(number));
    await execa("nix-store", ["--realise", drvPath, "--add-root", root], options);
    return { drvPath, toplevel: (await execa("readlink", ["-f", root], options)).stdout };
  }
}
