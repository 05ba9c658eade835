import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withoutComment } from "../config/public-key.ts";
import { Failure } from "../deployer/failure.ts";
import { bootRescue, leaveRescue } from "../deployer/hetzner/rescue.ts";
import { awaitRescueKey, type Findings, lookFromRescue } from "../deployer/rescue/look.ts";
import type { SshTarget } from "../deployer/ssh/config.ts";
import { fingerprint } from "../deployer/ssh/fingerprint.ts";
import { scanTarget } from "../deployer/ssh/scan.ts";
import { SshSession } from "../deployer/ssh/session.ts";
import { hetznerOf } from "./hetzner.ts";
import { print, say } from "./say.ts";
import { terminal } from "./ssh.ts";
import { hostOf, type StackView, targetOf } from "./stack.ts";
import { unlock } from "./unlock.ts";

export interface RescueOptions {
  /** Boot the installed system again. */
  leave?: boolean;
  /** Log in to the rescue system that runs. */
  shell?: boolean;
  /** Boot the rescue system although the host can be reached. */
  force?: boolean;
  /** Key of a rescue system that was booted by other means. */
  hostKey?: string;
  /** Lines of the last boot's journal to print. */
  lines: number;
}

/** Seconds for everything at Hetzner and the boot: rescue systems come over the network. */
const bootSeconds = 420;

/** Boot a host's rescue system, tell what its disks say about the last boot, and keep that in a folder; or work with one that runs. */
export async function rescue(stack: StackView, name: string, options: RescueOptions): Promise<number> {
  const { serverId } = hostOf(stack, name);
  const installed = targetOf(stack, name);
  const folder = join(".berth", "rescue", `${stack.name}-${name}`);
  const keyFile = join(folder, "host-key");
  const known = options.hostKey ?? (await readFile(keyFile, "utf8").catch(() => undefined))?.trim();

  if (options.leave) {
    await leave(stack, installed, serverId, known);
    await rm(keyFile, { force: true });
    return 0;
  }
  const running = known !== undefined && (options.hostKey !== undefined || (await shows(installed, known)));
  if (options.shell) {
    if (running && known) return await terminal(rescueTarget(installed, known), []);
    throw new Failure({
      host: name,
      tried: "log in to its rescue system",
      cameBack: "there is none that berth rescue has booted",
      next: `berth rescue ${name}`,
    });
  }

  const key = running && known ? known : await boot(stack, installed, serverId, options);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(keyFile, `${key}\n`, { mode: 0o600 });
  say(`${name}: looking at its disks from the rescue system`);
  const found = await lookFromRescue(rescueTarget(installed, key), serverId, 60_000);
  const kept = await keep(folder, found);
  print(describe(found, options.lines));
  const again = `berth -s ${stack.name} rescue ${name}`;
  print(`
All of it is in ${kept}.
The disks are mounted read-only in the rescue system, which still runs. To log in to it: ${again} --shell
To boot the installed system again: ${again} --leave`);
  return 0;
}

/** The rescue system is at the same address, on ssh's own port, and is a host of its own to ssh. */
const rescueTarget = (installed: SshTarget, key: string): SshTarget => ({
  ...installed,
  host: `${installed.host}-rescue`,
  port: 22,
  hostKeys: [key],
});

const shows = async (installed: SshTarget, key: string): Promise<boolean> =>
  (await scanTarget(rescueTarget(installed, key), 3)).key === withoutComment(key);

/** Boot the rescue system and trust, this once, the key that answers. */
async function boot(
  stack: StackView,
  installed: SshTarget,
  serverId: string,
  { force = false }: RescueOptions,
): Promise<string> {
  const { host, address } = installed;
  if (serverId === "")
    throw new Failure({
      host,
      tried: "boot its rescue system",
      cameBack: "it was not ordered at Hetzner by this stack, so that nobody here has its power button",
      next: `boot a rescue system by its provider's means, look at the key it shows with berth trust ${address}, and give that with --host-key`,
    });
  if (!force && (await reachable(installed)))
    throw new Failure({
      host: `${host} (${address})`,
      tried: "boot its rescue system",
      cameBack: "the host lets us in: a reset would cut off what it runs",
      stands: "It was not touched",
      next: `berth ssh ${host}; or --force, which resets it all the same`,
    });
  const until = Date.now() + bootSeconds * 1_000;
  const api = await hetznerOf(stack.name, { until, say });
  say(`${host}: ordering the rescue system for server ${serverId} and resetting it`);
  await bootRescue(api, {
    host,
    serverId: Number(serverId),
    loginPublicKey: stack.loginPublicKey,
    until,
  });
  const heard = new Set<string>();
  const key = await awaitRescueKey(installed, {
    until,
    status: (line) => {
      if (!heard.has(line)) say(`${host}: ${line}`);
      heard.add(line);
    },
  });
  say(
    `${host}: trusting, this once, whoever answers at ${address} right after our reset: ${fingerprint(key)}`,
  );
  return key;
}

async function reachable(target: SshTarget): Promise<boolean> {
  const session = await SshSession.create(target);
  try {
    await session.waitUntilReachable(5_000);
    return true;
  } catch {
    return false;
  } finally {
    await session.close();
  }
}

async function leave(
  stack: StackView,
  installed: SshTarget,
  serverId: string,
  known: string | undefined,
): Promise<void> {
  const { host, address } = installed;
  if (serverId === "")
    throw new Failure({
      host,
      tried: "boot its installed system",
      cameBack: "it was not ordered at Hetzner by this stack",
      next: "restart it by its provider's means",
    });
  if (known && (await shows(installed, known))) await settleDisks(rescueTarget(installed, known));
  const until = Date.now() + bootSeconds * 1_000;
  const api = await hetznerOf(stack.name, { until, say });
  await leaveRescue(api, { host, serverId: Number(serverId), until });
  say(`${host}: reset; waiting for the installed system`);
  if (hostOf(stack, host).unlock) return await unlock(stack, host);
  const session = await SshSession.create(installed);
  try {
    await session.waitUntilReachable(Math.max(1_000, until - Date.now()), { patient: true });
  } finally {
    await session.close();
  }
  say(`${host} (${address}) answers as itself again`);
}

/** What somebody has mended by hand must not be lost to a reset. */
async function settleDisks(target: SshTarget): Promise<void> {
  const session = await SshSession.create(target);
  try {
    await session.sh("sync", { deadline: 60_000, fresh: true });
  } catch {
    say(`${target.host}: it could not be asked to write its disks out`);
  } finally {
    await session.close();
  }
}

/** Keep what was found, a file a section. Returns the folder: the hour is in its name, so that nothing is written over. */
async function keep(folder: string, found: Findings): Promise<string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  const place = join(folder, time);
  await mkdir(place, { recursive: true, mode: 0o700 });
  await Promise.all(
    found.sections.map(({ name, from, text }, index) =>
      writeFile(
        join(place, `${String(index + 1).padStart(2, "0")}-${name.replaceAll(" ", "-")}.txt`),
        `# ${from}\n${text}\n`,
        { mode: 0o600 },
      ),
    ),
  );
  return place;
}

/** What was found, for people: everything, and of journals the end. Pure. */
export function describe({ os, server, sections }: Findings, lines: number): string {
  const who = server === "" ? "its metadata service did not say on which server" : `on server ${server}`;
  const parts = sections.map(({ name, from, text }) => {
    const all = text === "" ? ["(nothing)"] : text.split("\n");
    const shown = name === "journal" ? all.slice(-lines) : all;
    const cut = shown.length < all.length ? `, the last ${shown.length} of ${all.length} lines` : "";
    return `\n== ${name} (${from}${cut})\n${shown.join("\n")}\n`;
  });
  return `rescue system ${os}, ${who}\n${parts.join("")}`;
}
