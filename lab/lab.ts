/**
 * The lab as a library: the command line, the main job and the tests bring it up and take it down through these.
 * Everything here can be interrupted and done again.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { MachinesClient } from "./cloud/machines-client.ts";
import { cloudAnswers, startCloud, stopCloud } from "./cloud-process.ts";
import { prepareEngine } from "./engine.ts";
import { labEnvironment, notUp } from "./environment.ts";
import {
  claimFolder,
  findLab,
  holdsNoLab,
  type LabPlaces,
  placesIn,
  readMark,
  refuseForeign,
} from "./folder.ts";
import { labNames } from "./machines/names.ts";
import { daemonInfo, startMachines, stopMachines } from "./machines-process.ts";
import { askRoot } from "./root-access.ts";
import { cacheFolder, node24 } from "./setup/places.mjs";
import { findTools } from "./setup/setup.mjs";
import { messageOf, Trouble } from "./setup/trouble.mjs";
import { inTurn } from "./setup/turn.mjs";
import { type LabStatus, statusOf } from "./status.ts";
import { layOutFlake } from "./system/layout.ts";

export interface LabOptions {
  /** The lab's folder. Default: BERTH_LAB, else `.lab` in the checkout. */
  folder?: string;
  /** Told what takes time and what is out of the ordinary, in short lines. */
  say?: (line: string) => void;
}

/** A lab that is up. */
export interface Lab {
  places: LabPlaces;
  /** What `lab env` prints: the variables to add to a process's environment. */
  env: Record<string, string>;
}

const silent = () => {};

/**
 * Bring the lab up, or make sure that it is. What an earlier one left is used again: servers come back.
 * @throws Trouble in one line; the tools have to be set up (`npm run lab -- up` does that)
 */
export async function up({ folder, say = silent }: LabOptions = {}): Promise<Lab> {
  // Before anything is started that something missing would leave half up.
  await findTools(new Set(["lab"]));
  const places = await claimFolder(folder);
  return inTurn(places.folder, "lab", say, async () => {
    const started = await startMachines(places, say);
    // A cloud that was there before its machines must learn anew what runs.
    if (started) await stopCloud(places);
    if (started || !(await cloudAnswers(places))) {
      await stopCloud(places);
      await startCloud(places);
    }
    const acme = await acmeServer(places, say);
    await layOutFlake({
      lab: places.folder,
      cache: cacheFolder(),
      node: dirname(node24),
      acme,
      progress: say,
    });
    const env = await labEnvironment(places);
    for (const line of await prepareEngine(places, env)) say(line);
    return { places, env };
  });
}

/** The lab's ACME server; undefined when it cannot be had, which concerns the hosts with TLS alone. */
async function acmeServer(places: LabPlaces, say: (line: string) => void) {
  return new MachinesClient(places.machinesSocket).acme().catch((error: unknown) => {
    say(
      `no ACME server, so hosts with TLS get no certificates: ${messageOf(error)}. Next: npm run lab -- down, then up`,
    );
    return undefined;
  });
}

/**
 * Stop the servers and the lab's processes; all state stays.
 * @returns whether anything ran
 */
export async function down({ folder, say = silent }: LabOptions = {}): Promise<boolean> {
  const places = await findLab(folder);
  if (!existsSync(places.folder)) return false;
  await refuseForeign(places);
  return inTurn(places.folder, "lab", say, async () => {
    const cloud = await stopCloud(places);
    const machines = await stopMachines(places, say);
    return cloud || machines;
  });
}

/** What of the lab runs. */
export async function status({ folder }: LabOptions = {}): Promise<LabStatus> {
  return statusOf(await findLab(folder));
}

/**
 * The variables that make commands by hand work with the lab.
 * @throws Trouble when it is not up
 */
export async function env({ folder }: LabOptions = {}): Promise<Record<string, string>> {
  const places = await findLab(folder);
  if (!(await cloudAnswers(places))) notUp(places);
  return labEnvironment(places);
}

/**
 * Remove the lab: processes, network, mounts, servers and folder, whether it is up, down, crashed or half made.
 * @returns whether there was anything
 */
export async function reset({ folder, say = silent }: LabOptions = {}): Promise<boolean> {
  const found = await findLab(folder);
  if (!existsSync(found.folder)) {
    // The folder was removed by hand, but its name still says what is left of it in the kernel.
    if (!existsSync(labNames(found.folder).namespacePath)) return false;
    await claimFolder(found.folder);
  }
  const places = placesIn(found.folder);
  await refuseForeign(places);
  if ((await readMark(places)) === undefined && !(await holdsNoLab(places))) {
    throw new Trouble(`${places.folder} is no lab (it has no lab.json), so it is not removed`);
  }
  await stopCloud(places);
  const outside = existsSync(labNames(places.folder).namespacePath) || existsSync(places.machines);
  if (outside || (await daemonInfo(places)) !== undefined) {
    await askRoot("remove the lab's servers and network", "purge", ["--lab", places.folder], say);
  }
  await rm(places.folder, { recursive: true, force: true });
  return true;
}
