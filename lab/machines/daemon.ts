import { existsSync } from "node:fs";
import { chown, mkdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import { ServerAttachments } from "./attachments.ts";
import { ControlGroup } from "./cgroups.ts";
import { driverInfo } from "./client.ts";
import { killDaemon, livingDaemon, markDaemon } from "./daemon-file.ts";
import { removeTree } from "./disk.ts";
import { ensureDockerLayer } from "./docker-layer.ts";
import { ensureImage, type Progress } from "./image.ts";
import type { MachineHome } from "./machine.ts";
import { Machines } from "./machines.ts";
import { MetadataService } from "./metadata.ts";
import { labNames, labPlaces, METADATA_ADDRESS } from "./names.ts";
import { LabWiring, networksInUse } from "./network.ts";
import { chooseNetwork, ownAddresses } from "./network-choice.ts";
import { PrivateNetworks } from "./private-networks.ts";
import { keptNetwork, recover } from "./recovery.ts";
import { lineOf } from "./run.ts";
import { application, listen, type Owner } from "./server.ts";
import { Services } from "./services/services.ts";

/** How long a living daemon may take to prove that it answers. */
const ANSWER_LIMIT_MS = 15_000;

export interface DaemonOptions {
  /** The lab's folder. */
  lab: string;
  cache: string;
  owner: Owner;
  /** Folder of the installer layer. */
  installer: string;
  progress: Progress;
}

async function labFolder(lab: string, owner: Owner): Promise<string> {
  const made = await mkdir(lab, { recursive: true });
  if (made) await chown(lab, owner.uid, owner.gid);
  return await realpath(lab);
}

/** Whether the daemon of this lab answers. */
function answers(folder: string): Promise<boolean> {
  return driverInfo(folder, ANSWER_LIMIT_MS).then(
    () => true,
    () => false,
  );
}

/**
 * Runs the server driver of a lab until it is told to end. What a dead daemon left is removed first.
 * @throws when the lab has a daemon that answers, or something it needs is missing
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { progress } = options;
  const folder = await labFolder(options.lab, options.owner);
  const names = labNames(folder);
  const places = labPlaces(folder);
  const living = await livingDaemon(places.daemon);
  if (living !== null && (await answers(folder)))
    throw new Error(`the lab in ${folder} has a server driver already (process ${living})`);
  await killDaemon(places.daemon);
  for (const found of await recover(names, places))
    progress(`left by an earlier driver of this lab, removed: ${found}`);
  const image = await ensureImage(options.cache, progress);

  let signalled = false;
  const onSignal = () => {
    signalled = true;
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  await markDaemon(places.daemon);
  let daemon: Daemon;
  try {
    daemon = await startDaemon(folder, image, options);
  } catch (error) {
    await recover(names, places);
    await rm(places.daemon, { force: true });
    throw error;
  }
  const quit = () => void daemon.quit().then(() => process.exit(0), fail);
  process.on("SIGTERM", quit).on("SIGINT", quit);
  progress(`ready: ${places.socket}`);
  if (signalled) quit();
}

function fail(error: unknown): never {
  process.stderr.write(`${lineOf(error)}\n`);
  process.exit(1);
}

interface Daemon {
  quit(): Promise<void>;
}

async function startDaemon(folder: string, image: string, options: DaemonOptions): Promise<Daemon> {
  const names = labNames(folder);
  const places = labPlaces(folder);
  const kept = await keptNetwork(places);
  const network = chooseNetwork(names.id, await networksInUse(), kept);
  if (kept && (kept.ipv4 !== network.ipv4 || kept.ipv6 !== network.ipv6))
    options.progress(
      `${kept.ipv4} or ${kept.ipv6} is taken now: the lab moves to ${network.ipv4} and ${network.ipv6}`,
    );
  await writeFile(`${places.network}.new`, `${JSON.stringify(network)}\n`);
  await rename(`${places.network}.new`, places.network);

  const wiring = new LabWiring(names, network);
  await wiring.up();
  const group = await ControlGroup.at(names.cgroup);
  await group.create();
  await group.handControllersOn();
  const [enter, inside] = wiring.inside([]);
  const metadata = new MetadataService(
    [enter, ...inside],
    [METADATA_ADDRESS, ownAddresses(network).inside.ipv6],
    places.metadataSocket,
  );
  await metadata.start();
  const networks = new PrivateNetworks(wiring);
  const attached = await ServerAttachments.load(places, networks, image);
  const home: MachineHome = {
    wiring,
    networks,
    attachmentsOf: (server) => attached.of(server),
    group,
    installer: options.installer,
  };
  const services = new Services({ names, group, image, folder: places.services }, network, networks, places);
  const machines = new Machines(home, attached, services, places, image, () =>
    ensureDockerLayer(options.cache, options.progress),
  );
  await machines.load();
  for (const problem of await services.load()) options.progress(problem);

  let server: Server | null = null;
  let quitting: Promise<void> | null = null;
  const end = async () => {
    await machines.quit();
    await services.stop();
    await metadata.stop();
    await wiring.down();
    await group.destroy();
    await rm(places.socket, { force: true });
    await rm(places.daemon, { force: true });
    server?.close();
  };
  const quit = () => {
    quitting ??= end();
    return quitting;
  };
  const app = application(machines, async () => {
    await quit();
    // After the answer has gone out.
    setTimeout(() => process.exit(0), 100);
  });
  server = await listen(app, places.socket, options.owner);
  return { quit };
}

/**
 * Removes everything a lab's driver made but the cached image: processes, network, mounts, machines. Works whether its
 * daemon lives, died or hangs; repeating it is harmless.
 * @returns what was found and removed, for people
 */
export async function purge(lab: string): Promise<string[]> {
  if (!existsSync(lab)) return [];
  const folder = await realpath(lab);
  const names = labNames(folder);
  const places = labPlaces(folder);
  const living = await livingDaemon(places.daemon);
  await killDaemon(places.daemon);
  const removed = [
    ...(living === null ? [] : [`driver process ${living}`]),
    ...(await recover(names, places)),
  ];
  if (existsSync(places.machines)) {
    await removeTree(places.machines);
    removed.push(places.machines);
  }
  const files = [places.socket, places.network, places.acmeRoots];
  for (const file of [...files, ...files.map((file) => `${file}.new`), `${places.daemon}.new`])
    await rm(file, { force: true });
  return removed;
}

/** The installer layer of this checkout. */
export const INSTALLER = join(import.meta.dirname, "..", "system", "installer");
