import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSpec } from "../cloud/driver.ts";
import type { BootFacts } from "./boot-choice.ts";
import type { RealBoot } from "./nspawn.ts";
import { run } from "./run.ts";
import { cloudSeed, uplinkNetwork } from "./seed.ts";

/** A machine's folder: its order, disk, firmware and console. */
export class MachineFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  in(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Lays a fresh Debian on an empty disk. The order goes last: a folder without one is an unfinished creation. */
  async lay(spec: MachineSpec, image: string): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await rm(this.in("order.json"), { force: true });
    await Promise.all(["disk", "firmware", "work"].map((name) => this.#clear(name)));
    await mkdir(this.in("disk/debian"));
    await this.note(spec, image);
  }

  /** Notes a machine's order, and tells a Debian on its disk. */
  async note(spec: MachineSpec, image: string): Promise<void> {
    if (existsSync(this.in("disk/debian"))) {
      const seed = this.in("disk/debian/var/lib/cloud/seed/nocloud");
      await mkdir(seed, { recursive: true });
      for (const [name, content] of Object.entries(cloudSeed(spec)))
        await writeFile(join(seed, name), content, { mode: 0o600 });
    }
    await writeFile(this.in("order.json.new"), JSON.stringify({ spec, image }), { mode: 0o600 });
    await rename(this.in("order.json.new"), this.in("order.json"));
  }

  /** Empties a folder that only root enters: the machines' files keep their owners and setuid bits. */
  async #clear(name: string): Promise<void> {
    await removeTree(this.in(name));
    await mkdir(this.in(name), { recursive: true, mode: 0o700 });
  }

  /** The order and the image the disk was laid from; null when there is none. */
  async order(): Promise<{ spec: MachineSpec; image: string } | null> {
    const text = await readFile(this.in("order.json"), "utf8").catch(() => null);
    return text === null ? null : JSON.parse(text);
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
      oneshot: await text("firmware/oneshot"),
      loader: await text("disk/esp/loader/loader.conf"),
      entries: Object.fromEntries(entries),
      debian: existsSync(this.in("disk/debian")),
    };
  }

  /** Makes what a boot needs beside the disk, and uses up the handover and the one-time entry. */
  async prepare(spec: MachineSpec, image: string, installer: string, choice: RealBoot): Promise<void> {
    if (!existsSync(image))
      throw new Error(`the image ${image} its disk was laid from is gone: rebuild the server, or delete it`);
    await mkdir(this.in("work"), { recursive: true, mode: 0o700 });
    await rm(this.in("work/base"), { force: true });
    await symlink(image, this.in("work/base"));
    await writeFile(this.in("work/uplink.network"), uplinkNetwork(spec));
    await writeFile(this.in("work/no-cloud-init"), "");
    await rm(this.in("firmware/oneshot"), { force: true });
    await removeTree(this.in("work/handover"));
    if (choice.boot === "installer") {
      await rename(this.in("firmware/kexec"), this.in("work/handover"));
      await mkdir(this.in("work/handover/root"), { recursive: true });
      await this.#copyInstaller(installer);
    }
    if (choice.boot === "installed") await mkdir(this.in("disk/root"), { recursive: true });
  }

  /** The checkout's files belong to a user; as a layer of a root they must be root's. */
  async #copyInstaller(installer: string): Promise<void> {
    if (!existsSync(installer)) throw new Error(`the installer layer ${installer} is missing`);
    const layer = this.in("work/installer");
    await removeTree(layer);
    await cp(installer, layer, { recursive: true, verbatimSymlinks: true });
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
