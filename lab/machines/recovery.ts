import { readFile } from "node:fs/promises";
import type { LabNetwork } from "../cloud/driver.ts";
import { ControlGroup } from "./cgroups.ts";
import { detachLoop, loopDevicesIn } from "./loop-devices.ts";
import type { LabNames, LabPlaces } from "./names.ts";
import { removeWiring } from "./network.ts";
import { run } from "./run.ts";

/** The lab's networks as chosen before; null when there are none. */
export async function keptNetwork(places: LabPlaces): Promise<LabNetwork | null> {
  const text = await readFile(places.network, "utf8").catch(() => null);
  return text === null ? null : JSON.parse(text);
}

/** Mount points below a folder, deepest first, as /proc/self/mountinfo lists them. */
export function mountsBelow(mountinfo: string, folder: string): string[] {
  const targets = mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
  return targets.filter((path) => path.startsWith(`${folder}/`)).reverse();
}

/**
 * Ends and removes what a dead daemon of this lab left on the machine, and nothing else: its processes are found by
 * their cgroup, the rest by name or by place.
 * @returns what was found and removed, for people
 */
export async function recover(names: LabNames, places: LabPlaces): Promise<string[]> {
  const removed: string[] = [];
  const group = await ControlGroup.at(names.cgroup);
  const left = await group.processes();
  if (left.length > 0) removed.push(`${left.length} process${left.length === 1 ? "" : "es"}`);
  await group.destroy();
  removed.push(...(await removeWiring(names, await keptNetwork(places))));
  for (const target of mountsBelow(await readFile("/proc/self/mountinfo", "utf8"), places.machines)) {
    await run("umount", ["--lazy", "--", target]);
    removed.push(`mount ${target}`);
  }
  for (const { device, file } of await loopDevicesIn(places.volumes)) {
    await detachLoop(device);
    removed.push(`loop device ${device} of ${file}`);
  }
  return removed;
}
