import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { PrivateInterface } from "../cloud/driver.ts";
import type { ControlGroup } from "./cgroups.ts";
import { changes } from "./changes.ts";
import type { MachineFolder } from "./disk.ts";
import { reloadNetworkd, scriptInside } from "./inside.ts";
import { volumePath } from "./nspawn.ts";
import { type PrivateNetworks, privateFile, privateFileName } from "./private-networks.ts";

/** A volume with the loop device that plays its disk, e.g. "/dev/loop3". */
export interface VolumeDevice {
  id: number;
  device: string;
}

/** What hangs on a server. */
export interface Attachments {
  interfaces: PrivateInterface[];
  volumes: VolumeDevice[];
}

/** What a running machine has plugged in; each interface with its name in the machine. */
export interface Plugged {
  cards: { card: PrivateInterface; name: string }[];
  volumes: VolumeDevice[];
}

/** The next name for an interface: "eth1" while that is free. */
export function freeName(taken: string[]): string {
  for (let n = 1; ; n++) if (!taken.includes(`eth${n}`)) return `eth${n}`;
}

/** What a machine that boots finds: interfaces are named in the order of their networks. */
export function pluggedAtBoot({ interfaces, volumes }: Attachments): Plugged {
  const cards = interfaces
    .toSorted((a, b) => a.network - b.network)
    .map((card, index) => ({ card, name: `eth${index + 1}` }));
  return { cards, volumes };
}

/** A running machine, as far as plugging goes. */
export interface Socket {
  /** Process id of its init. */
  init: number;
  folder: MachineFolder;
  group: ControlGroup;
  networks: PrivateNetworks;
}

/** Plugs and unplugs until a running machine has what hangs on its server. `plugged` follows step by step. */
export async function replug(machine: Socket, plugged: Plugged, wanted: Attachments): Promise<void> {
  const cards = changes(
    plugged.cards.map(({ card }) => card),
    wanted.interfaces,
  );
  for (const card of cards.out) {
    await machine.networks.unplug(card);
    await rm(machine.folder.in("work/networks", privateFileName(card)), { force: true });
    plugged.cards = plugged.cards.filter((other) => other.card !== card);
  }
  for (const card of cards.in) {
    await writeNetworkFile(machine.folder, card);
    await reloadNetworkd(machine.init);
    const name = freeName(plugged.cards.map(({ name }) => name));
    await machine.networks.plug(card, machine.init, name);
    plugged.cards.push({ card, name });
  }
  if (cards.out.length > 0) await reloadNetworkd(machine.init);

  const volumes = changes(plugged.volumes, wanted.volumes);
  for (const volume of volumes.out) {
    await unplugVolume(machine, volume);
    plugged.volumes = plugged.volumes.filter((other) => other !== volume);
  }
  for (const volume of volumes.in) {
    const [major, minor] = await deviceNumbers(volume.device);
    await scriptInside(machine.init, "plug-volume.sh", [volumePath(volume.id), `${major}`, `${minor}`]);
    plugged.volumes.push(volume);
  }
}

/** Tells a machine's networkd about an interface. The machine's root owns the folder's content, so nothing is followed. */
export async function writeNetworkFile(folder: MachineFolder, card: PrivateInterface): Promise<void> {
  const file = folder.in("work/networks", privateFileName(card));
  await rm(`${file}.new`, { force: true });
  await writeFile(`${file}.new`, privateFile(card), { flag: "wx", mode: 0o644 });
  await rename(`${file}.new`, file);
}

/** Major and minor number of a device, as Linux packs them. */
async function deviceNumbers(device: string): Promise<[number, number]> {
  const { rdev } = await stat(device);
  return [(rdev >> 8) & 0xfff, (rdev & 0xff) | ((rdev >> 12) & 0xfff00)];
}

/** Exit of the script when it would have to use force. */
const IN_USE = 75;

/**
 * Takes a volume out of a running machine, as a cloud does: without asking. It is unmounted, and processes that still
 * use it, which would get nothing but errors from a disk that is gone, are killed.
 */
async function unplugVolume({ init, group }: Socket, { id, device }: VolumeDevice): Promise<void> {
  const [major, minor] = await deviceNumbers(device);
  const args = [volumePath(id), `${major}:${minor}`];
  const answer = await scriptInside(init, "unplug-volume.sh", args, [IN_USE]);
  const { rdev } = await stat(device);
  for (const pid of await group.processes()) if (pid !== init && (await uses(pid, rdev))) kill(pid);
  if (answer === IN_USE) await scriptInside(init, "unplug-volume.sh", [...args, "force"]);
}

/** Whether a process has the device, or a file on it, open. */
async function uses(pid: number, device: number): Promise<boolean> {
  const files = (await readdir(`/proc/${pid}/fd`).catch(() => [])).map((fd) => `/proc/${pid}/fd/${fd}`);
  for (const path of [...files, `/proc/${pid}/cwd`, `/proc/${pid}/root`, `/proc/${pid}/exe`]) {
    const found = await stat(path).catch(() => null);
    if (found && (found.dev === device || (found.isBlockDevice() && found.rdev === device))) return true;
  }
  const maps = await readFile(`/proc/${pid}/maps`, "utf8").catch(() => "");
  const numbers = [(device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00)];
  const column = numbers.map((number) => number.toString(16).padStart(2, "0")).join(":");
  return maps.split("\n").some((line) => line.split(" ")[3] === column);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
