import { rm } from "node:fs/promises";
import type { LabPlaces } from "./folder.ts";
import { driverInfo, quitDriver } from "./machines/client.ts";
import { livingDaemon } from "./machines/daemon-file.ts";
import type { DriverInfo } from "./machines/machines.ts";
import { labPlaces } from "./machines/names.ts";
import { waitFor } from "./machines/waiting.ts";
import { askRoot } from "./root-access.ts";
import { cacheFolder } from "./setup/places.mjs";
import { messageOf, Trouble } from "./setup/trouble.mjs";
import { lifeOf } from "./setup/turn.mjs";

/** How long a living daemon may take to answer, and to end with all its machines; milliseconds. */
const ANSWER = 15_000;
const END = 120_000;

/** What the daemon says of itself; undefined when none answers. */
export async function daemonInfo(places: LabPlaces): Promise<DriverInfo | undefined> {
  return driverInfo(places.folder, ANSWER).catch(() => undefined);
}

/**
 * Make sure that the daemon of the machines runs.
 * @returns whether it had to be started
 */
export async function startMachines(places: LabPlaces, say: (line: string) => void): Promise<boolean> {
  if (await daemonInfo(places)) return false;
  const args = ["--lab", places.folder, "--cache", cacheFolder()];
  await askRoot("start the daemon that runs the lab's servers and their network", "lab", args, say);
  const answers = async () => (await daemonInfo(places)) ?? null;
  await waitFor(`an answer of the lab's machines (log: ${places.machinesLog})`, answers, ANSWER, 100);
  return true;
}

/**
 * End the daemon and all machines.
 * @returns whether it ran
 */
export async function stopMachines(places: LabPlaces, say: (line: string) => void): Promise<boolean> {
  const file = labPlaces(places.folder).daemon;
  const pid = await livingDaemon(file);
  if (pid === null) {
    await rm(places.machinesSocket, { force: true });
    return false;
  }
  const life = lifeOf(pid);
  say("stopping the servers");
  await quitDriver(places.folder).catch((error: unknown) => {
    throw new Trouble(
      `the lab's machines could not be stopped: ${messageOf(error)}\n` +
        `Next: npm run lab -- reset removes the lab by force (log: ${places.machinesLog})`,
    );
  });
  // The daemon forgets its mark a moment before it ends, so the process itself is watched.
  await waitFor(`the end of process ${pid}`, () => (lifeOf(pid) === life ? null : true), END);
  return true;
}
