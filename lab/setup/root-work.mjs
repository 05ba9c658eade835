import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdir, open, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { must } from "./child.mjs";
import { checkout, node24 } from "./places.mjs";
import { listens } from "./root-client.mjs";
import { remove } from "./stow.mjs";
import { Trouble } from "./trouble.mjs";

/**
 * @typedef {{ uid: number, gid: number }} Owner
 * @typedef {{ onLine: (line: string) => void, signal: AbortSignal }} Work
 */

/** Time for a daemon to clear up after an earlier one and to start, in milliseconds. */
const DAEMON_START = 60_000;

const machines = join(checkout, "lab/machines/main.ts");

/**
 * Do what was asked, as root.
 * @param {import("./root-verbs.mjs").RootRequest} request
 * @param {Owner} owner the user it is done for
 * @param {Work} work
 */
export async function perform(request, owner, work) {
  switch (request.verb) {
    case "packages":
      return installPackages(request.names, work);
    case "nix-store":
      return makeStore(owner);
    case "image":
    case "docker-image": {
      const docker = request.verb === "docker-image" ? ["--docker"] : [];
      await must(
        "making the image of the lab's servers",
        [node24, machines, "image", ...docker, "--cache", request.cache],
        work,
      );
      return;
    }
    case "lab":
      return startMachines(request, owner);
    case "purge":
      return purge(request.lab, owner, work);
  }
}

/**
 * @param {string[]} names
 * @param {Work} work
 */
async function installPackages(names, work) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_MODE: "l" };
  // A lock held by the system's own updates is waited for.
  const apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"];
  await must("updating the package lists", [...apt, "update"], { ...work, env });
  await must("installing packages", [...apt, "install", "-y", "--no-install-recommends", ...names], {
    ...work,
    env,
  });
}

/** @param {Owner} owner */
async function makeStore(owner) {
  const there = await readdir("/nix").catch(() => undefined);
  if (there && there.length > 0 && (await stat("/nix")).uid !== owner.uid) {
    throw new Trouble("/nix is in use by another user; it is left as it is");
  }
  await mkdir("/nix", { recursive: true, mode: 0o755 });
  await chown("/nix", owner.uid, owner.gid);
}

/**
 * Start the daemon of the lab's machines and wait until it listens. First it removes what a dead one left.
 * @param {{ lab: string, cache: string }} request
 * @param {Owner} owner
 */
async function startMachines({ lab, cache }, owner) {
  await mustOwn(lab, owner);
  const file = join(lab, "machines.log");
  const log = await open(file, "a", 0o644);
  await log.chown(owner.uid, owner.gid);
  const from = (await log.stat()).size;
  const args = [machines, "daemon", "--lab", lab, "--cache", cache, "--owner", `${owner.uid}:${owner.gid}`];
  const child = spawn(node24, args, { cwd: "/", detached: true, stdio: ["ignore", log.fd, log.fd] });
  await log.close();
  const ended = new Promise((resolve) =>
    child.once("exit", () => resolve("ended")).once("error", () => resolve("ended")),
  );
  const end = Date.now() + DAEMON_START;
  for (;;) {
    if ((await Promise.race([ended, sleep(100, "waiting")])) === "ended") {
      const lines = (await readFile(file)).subarray(from).toString().trim().split("\n").slice(-4);
      throw new Trouble(`the lab's machines could not be started: ${lines.join("; ")}`);
    }
    if (await listens(join(lab, "machines.sock"))) break;
    if (Date.now() > end)
      throw new Trouble(`the lab's machines did not start within ${DAEMON_START / 1000} s (log: ${file})`);
  }
  child.unref();
}

/**
 * Remove a lab whose daemon is gone: what it left in the kernel, and its folder.
 * @param {string} lab
 * @param {Owner} owner
 * @param {Work} work
 */
async function purge(lab, owner, work) {
  if (!existsSync(lab)) return;
  if (!existsSync(join(lab, "lab.json")))
    throw new Trouble(`${lab} has no lab.json, so it is not removed: is it a lab?`);
  if (owner.uid !== 0) await mustOwn(lab, owner);
  await must("clearing the lab's machines and network", [node24, machines, "purge", "--lab", lab], work);
  const mounts = (await readFile("/proc/self/mountinfo", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  const left = mounts.filter((point) => point.startsWith(`${lab}/`));
  if (left.length > 0) throw new Trouble(`${left[0]} is still mounted, so ${lab} is not removed`);
  await remove(lab);
}

/**
 * @param {string} folder
 * @param {Owner} owner
 */
async function mustOwn(folder, owner) {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) throw new Trouble(`there is no folder ${folder}`);
  if (found.uid !== owner.uid) {
    throw new Trouble(
      `${folder} belongs to user ${found.uid}, not ${owner.uid}: remove it as that user, or name another with BERTH_LAB`,
    );
  }
}
