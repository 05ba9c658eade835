import { chmod, mkdir, open, readFile, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { askVersion } from "./ask-version.ts";

/** The provider plugins a stand-in exists for. */
export const STAND_INS = ["command", "hcloud"] as const;
export type StandIn = (typeof STAND_INS)[number];

/** A provider plugin as the lab uses it. */
export interface Plugin {
  name: StandIn;
  /** The version the npm package of the same name asks for. */
  version: string;
  kind: "real" | "stand-in";
  /** The executable. */
  path: string;
}

const HERE = import.meta.dirname;
/** In every shim we write, so that a stand-in is never taken for the real one. */
const MARK = "the lab's stand-in for the provider plugin";

/** The version of a plugin that the program's npm package asks for; the engine takes no other. */
export async function wantedVersion(name: StandIn): Promise<string> {
  const file = join(HERE, "../../node_modules/@pulumi", name, "package.json");
  const { pulumi } = JSON.parse(await readFile(file, "utf8")) as { pulumi: { version: string } };
  return pulumi.version;
}

/** Where the engine looks for a plugin of exactly this version. */
export function pluginPath(pulumiHome: string, name: string, version: string): string {
  return join(pulumiHome, "plugins", `resource-${name}-v${version}`, `pulumi-resource-${name}`);
}

/**
 * Lays out the stand-ins in a Pulumi home as `pulumi plugin install --file` would; what is there under the same name
 * and version is replaced. `node` is the Node 24 to run them with. Safe to repeat.
 */
export async function installStandIns(options: {
  pulumiHome: string;
  node: string;
  names: readonly StandIn[];
}): Promise<Plugin[]> {
  const installed: Plugin[] = [];
  for (const name of options.names) {
    const version = await wantedVersion(name);
    const path = pluginPath(options.pulumiHome, name, version);
    await layOut(path, async (staged) => {
      await writeFile(staged, shim(name, options.node));
      await chmod(staged, 0o755);
    });
    installed.push({ name, version, kind: "stand-in", path });
  }
  return installed;
}

/**
 * The real plugins that can be had without a download: on PATH, or in the user's own plugin cache, of exactly the
 * version the npm package asks for. One on PATH is started and asked for its version.
 */
export async function findRealPlugins(options: {
  names: readonly StandIn[];
  /** A PATH to search. Default: this process' own. */
  path?: string;
  /** A Pulumi home to search. Default: the user's. */
  pulumiHome?: string;
}): Promise<Plugin[]> {
  const home = options.pulumiHome ?? join(homedir(), ".pulumi");
  const folders = (options.path ?? process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const found: Plugin[] = [];
  for (const name of options.names) {
    const version = await wantedVersion(name);
    const cached = pluginPath(home, name, version);
    const onPath = await firstOf(folders.map((folder) => join(folder, `pulumi-resource-${name}`)));
    if (onPath && (await askVersion(onPath)) === version)
      found.push({ name, version, kind: "real", path: onPath });
    else if (await firstOf([cached])) found.push({ name, version, kind: "real", path: cached });
  }
  return found;
}

/** Puts every plugin into a Pulumi home: the real one where it can be had, else the stand-in. */
export async function installPlugins(options: {
  pulumiHome: string;
  node: string;
  names?: readonly StandIn[];
  /** Where to look for real ones, as in `findRealPlugins`. */
  realFrom?: { path?: string; pulumiHome?: string };
}): Promise<Plugin[]> {
  const names = options.names ?? STAND_INS;
  const real = await findRealPlugins({ names, ...options.realFrom });
  for (const plugin of real) {
    const path = pluginPath(options.pulumiHome, plugin.name, plugin.version);
    if (path !== plugin.path) await layOut(path, (staged) => symlink(plugin.path, staged));
  }
  const missing = names.filter((name) => !real.some((plugin) => plugin.name === name));
  return [...real, ...(await installStandIns({ ...options, names: missing }))];
}

/** Fills a plugin's folder beside its place and moves it there, so that the engine never sees half of one. */
async function layOut(path: string, fill: (staged: string) => Promise<void>): Promise<void> {
  const folder = resolve(path, "..");
  const staging = `${folder}.${process.pid}`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  await fill(join(staging, path.slice(folder.length + 1)));
  await rm(folder, { recursive: true, force: true });
  await rename(staging, folder);
  // The engine locks an installation with this file and leaves it behind.
  await writeFile(`${folder}.lock`, "");
}

function shim(name: StandIn, node: string): string {
  const words = [node, join(HERE, name, "main.ts")].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return `#!/bin/sh\n# Runs ${MARK} ${name}.\nexec ${words.join(" ")} "$@"\n`;
}

/** The first of the paths that is an executable and no stand-in. */
async function firstOf(paths: string[]): Promise<string | undefined> {
  for (const path of paths) {
    const target = await realpath(path).catch(() => undefined);
    if (target && !target.startsWith(HERE) && !(await isStandIn(target))) return path;
  }
  return undefined;
}

async function isStandIn(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    const text = buffer.toString("latin1", 0, bytesRead);
    return text.startsWith("#!") && text.includes(MARK);
  } finally {
    await file.close();
  }
}
