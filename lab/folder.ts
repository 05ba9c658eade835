import { mkdir, readdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout, labFolder } from "./setup/places.mjs";
import { Trouble } from "./setup/trouble.mjs";

/** Where a lab keeps what the command line looks at. The cloud, the machines and the flake have more of their own. */
export interface LabPlaces {
  /** Absolute, symbolic links resolved: the lab's names outside are made from it. */
  folder: string;
  /** Says that the folder is a lab, so that it may be removed. */
  mark: string;
  cloudUrl: string;
  cloudToken: string;
  /** A token that may only read. */
  cloudReadonlyToken: string;
  cloudLog: string;
  machinesSocket: string;
  machinesLog: string;
  /** The root-owned disks of the servers. */
  machines: string;
  /** PULUMI_HOME */
  pulumi: string;
  /** Pulumi's state. */
  state: string;
  /** The stack's configuration for a lab elsewhere than in `.lab`. */
  stackFile: string;
  flake: string;
}

export function placesIn(folder: string): LabPlaces {
  const at = (name: string) => join(folder, name);
  return {
    folder,
    mark: at("lab.json"),
    cloudUrl: at("cloud.url"),
    cloudToken: at("cloud.token"),
    cloudReadonlyToken: at("cloud.readonly-token"),
    cloudLog: at("cloud.log"),
    machinesSocket: at("machines.sock"),
    machinesLog: at("machines.log"),
    machines: at("machines"),
    pulumi: at("pulumi"),
    state: at("state"),
    stackFile: at("Pulumi.lab.yaml"),
    flake: at("flake"),
  };
}

/** The lab that is meant: BERTH_LAB, or `.lab` in the checkout. It need not exist. */
export async function findLab(folder = labFolder()): Promise<LabPlaces> {
  return placesIn(await realpath(folder).catch(() => folder));
}

/** Whether a lab is the checkout's own, which the committed stack configuration is written for. */
export const isDefaultLab = (places: LabPlaces): boolean => places.folder === join(checkout, ".lab");

/** What the main job leaves in the folder: its record, and its claim on the lab it is about to make. */
const notOfALab = new Set(["lab.json.new", "journal.json", "journey"]);

/** Whether a folder holds at most what the main job leaves behind. */
export async function holdsNoLab({ folder }: LabPlaces): Promise<boolean> {
  return (await readdir(folder)).every((name) => notOfALab.has(name));
}

/**
 * Make a lab's folder, or make sure that the one there is a lab of this user's.
 * @throws Trouble when it is something else
 */
export async function claimFolder(folder = labFolder()): Promise<LabPlaces> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const places = placesIn(await realpath(folder));
  await refuseForeign(places);
  if ((await readMark(places)) !== undefined) return places;
  const content = (await readdir(places.folder)).filter((name) => !notOfALab.has(name));
  if (content.length > 0) {
    throw new Trouble(
      `${places.folder} holds ${content[0]} and is no lab: empty it, or name another folder with BERTH_LAB`,
    );
  }
  await writeFile(
    `${places.mark}.new`,
    `${JSON.stringify({ checkout, madeAt: new Date().toISOString() })}\n`,
  );
  await rename(`${places.mark}.new`, places.mark);
  return places;
}

/** @throws Trouble when the folder is another user's */
export async function refuseForeign({ folder }: LabPlaces): Promise<void> {
  const { uid } = await stat(folder);
  if (uid === process.getuid?.()) return;
  const owner = uid === 0 ? "root, from a run as root" : `user ${uid}`;
  throw new Trouble(
    `${folder} belongs to ${owner}: run as that user, have it removed, or name another folder with BERTH_LAB`,
  );
}

export async function readMark({ mark }: LabPlaces): Promise<string | undefined> {
  return readFile(mark, "utf8").catch(() => undefined);
}
