import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "./waiting.ts";

/**
 * Roots of the cgroup hierarchies that track processes: the unified one, and on a version 1 machine systemd's named one
 * too, because systemd-nspawn copies a machine's place from there.
 * @param mountinfo content of /proc/self/mountinfo
 */
export function trackingRoots(mountinfo: string): string[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [left = "", right = ""] = line.split(" - ");
    const [type, , options = ""] = right.split(" ");
    const tracks = type === "cgroup2" || (type === "cgroup" && options.split(",").includes("name=systemd"));
    const target = left.split(" ")[4];
    return tracks && target?.startsWith("/sys/fs/cgroup") ? [target] : [];
  });
}

/** A folder of the lab in every hierarchy; all processes the driver starts live in one. */
export class ControlGroup {
  readonly folders: string[];

  constructor(folders: string[]) {
    this.folders = folders;
  }

  /** The group named `name` at the roots of this machine's hierarchies. */
  static async at(name: string): Promise<ControlGroup> {
    const roots = trackingRoots(await readFile("/proc/self/mountinfo", "utf8"));
    if (roots.length === 0)
      throw new Error(
        "no cgroup2 (or name=systemd) hierarchy is mounted below /sys/fs/cgroup: machines cannot be tracked",
      );
    return new ControlGroup(roots.map((root) => join(root, name)));
  }

  child(name: string): ControlGroup {
    return new ControlGroup(this.folders.map((folder) => join(folder, name)));
  }

  async create(): Promise<void> {
    for (const folder of this.folders) await mkdir(folder, { recursive: true });
  }

  /**
   * Lets the groups below have the resource controllers there are; without them machines run all the same. Only for a group
   * that has no processes itself: the kernel lets none into one that hands controllers on.
   */
  async handControllersOn(): Promise<void> {
    for (const folder of this.folders) {
      const file = join(folder, "cgroup.subtree_control");
      if (!existsSync(file)) continue;
      const offered = (await readFile(join(folder, "cgroup.controllers"), "utf8"))
        .split(/\s+/)
        .filter(Boolean);
      for (const controller of offered) await writeFile(file, `+${controller}`).catch(() => undefined);
    }
  }

  /**
   * Holds everything in the group still while `work` runs. Where the machine has no unified hierarchy, nothing is held.
   */
  async frozen<T>(work: () => Promise<T>): Promise<T> {
    const switches = this.folders.map((folder) => join(folder, "cgroup.freeze")).filter(existsSync);
    try {
      for (const file of switches) {
        await writeFile(file, "1");
        await waitFor(
          `the halt of all processes in ${file}`,
          async () =>
            (await readFile(join(file, "../cgroup.events"), "utf8")).includes("frozen 1") ? true : null,
          20_000,
        );
      }
      return await work();
    } finally {
      for (const file of switches) await writeFile(file, "0");
    }
  }

  /** Process ids in the group and below it. */
  async processes(): Promise<number[]> {
    const found = await Promise.all(this.folders.map(processesBelow));
    return [...new Set(found.flat())];
  }

  /**
   * Kills everything in the group and removes it. The folders must go: a group that was killed keeps killing what is
   * born into it from elsewhere.
   */
  async destroy(): Promise<void> {
    await waitFor(
      `the end of all processes in ${this.folders.join(", ")}`,
      async () => {
        for (const pid of await this.processes()) kill(pid);
        await Promise.all(this.folders.map(removeTree));
        return this.folders.some((folder) => existsSync(folder)) ? null : true;
      },
      40_000,
    );
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

async function below(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

async function processesBelow(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
  // 0 stands for a process of another PID namespace, which is not ours to name.
  const here = text
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
  const deeper = await Promise.all((await below(folder)).map(processesBelow));
  return [...here, ...deeper.flat()];
}

async function removeTree(folder: string): Promise<void> {
  await Promise.all((await below(folder)).map(removeTree));
  await rmdir(folder).catch(() => undefined);
}
