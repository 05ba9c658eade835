import { createHash } from "node:crypto";
import { access, cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { isThere } from "../../deployer/process.ts";
import { RESOLVERS } from "../machines/services/service-addresses.ts";

interface AcmeServer {
  directory: string;
  root: string;
}

/** Where things are and what the machine brings. */
export interface LayOutOptions {
  /** The lab's folder; the flake is laid out in `flake/` below it. */
  lab: string;
  /** Where the app's npm packages are kept, by the hash of its lock file. */
  cache: string;
  /** The folder with the `node` (24 or newer) that builds the app. */
  node: string;
  /** The app's source folder. @default apps/site of the checkout */
  app?: string;
  /** Put the app's source back, over whatever was changed in the flake's `site/`. */
  refreshSite?: boolean;
  /**
   * The lab's ACME server: its directory and the PEM of the root that signs its own TLS. Without one, hosts with TLS are left
   * out of the flake. @default the one of the last time
   */
  acme?: AcmeServer | null;
  /** Told what takes time, in short lines. */
  progress?: (line: string) => void;
  signal?: AbortSignal;
}

export interface LaidOutFlake {
  /** The flake for Nix: `path:/…/flake`. */
  reference: string;
  /** The flake's folder. */
  folder: string;
  /** The app's source in it, which may be changed by hand. */
  site: string;
}

const here = dirname(fileURLToPath(import.meta.url));
const repository = resolve(here, "../..");
const sampleApp = join(repository, "apps/site");

/** Not the flake's: the machine's installer layer and this program. */
const notInFlake = new Set(["installer", "layout.ts"]);
/** Made by a build or by hand, not the app's source. */
const notAppSource = new Set(["node_modules", "build", ".svelte-kit"]);
/** Project files that are plain data or run on a host, and that the closed-world system shares with the real flake. */
const shared = [
  ...["hardening.nix", "credentials.nix", "check-credentials.sh"].map((name) => `nixos/services/${name}`),
  ...["beside.nix", "change-over.sh", "boot-guard.nix", "boot-guard.sh"].map(
    (name) => `nixos/services/${name}`,
  ),
  "nixos/disks/unlock.sh",
];

const systems: Partial<Record<NodeJS.Architecture, string>> = { x64: "x86_64-linux", arm64: "aarch64-linux" };

/**
 * Makes `<lab>/flake/` the closed-world flake of this checkout and this machine. Runs again at any time: the app's
 * source in it stays as it is unless `refreshSite` is set.
 */
export async function layOutFlake(options: LayOutOptions): Promise<LaidOutFlake> {
  const folder = resolve(options.lab, "flake");
  const site = join(folder, "site");
  const system = systems[process.arch];
  if (system === undefined) {
    throw new Error(`The lab's systems are for x86_64 and aarch64; this machine is ${process.arch}.`);
  }

  await mkdir(folder, { recursive: true });
  await layOutSystem(folder);
  if (options.refreshSite || !(await exists(join(site, "package.json"))))
    await layOutApp(options.app ?? sampleApp, site);

  const siteModules = await installModules(site, options);
  const facts = {
    system,
    node: resolve(options.node),
    siteModules,
    resolvers: [...RESOLVERS.ipv4, RESOLVERS.ipv6[0]],
    acme: options.acme === undefined ? await knownAcme(folder) : options.acme,
  };
  await replaceFile(join(folder, "lab.json"), `${JSON.stringify(facts, null, 2)}\n`);
  return { reference: `path:${folder}`, folder, site };
}

/** The ACME server that the flake was told of the last time. */
async function knownAcme(folder: string): Promise<AcmeServer | null> {
  const facts = await readFile(join(folder, "lab.json"), "utf8").catch(() => "{}");
  return JSON.parse(facts).acme ?? null;
}

/** The Nix files and scripts; what an older checkout left is removed. */
async function layOutSystem(folder: string): Promise<void> {
  const kept = new Set(["site", "lab.json", "flake.lock"]);
  for (const name of await readdir(folder)) {
    if (!kept.has(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  for (const name of await readdir(here)) {
    if (!notInFlake.has(name)) await cp(join(here, name), join(folder, name), { recursive: true });
  }
  for (const file of shared) await cp(join(repository, file), join(folder, file), { recursive: true });
}

async function layOutApp(source: string, site: string): Promise<void> {
  const staged = `${site}.new`;
  await rm(staged, { recursive: true, force: true });
  await cp(source, staged, {
    recursive: true,
    filter: (from) => from === source || !notAppSource.has(relative(source, from)),
  });
  await rm(site, { recursive: true, force: true });
  await rename(staged, site);
}

/** The folder name for an app's npm packages: the same lock file gives the same name. */
export function modulesName(lockFile: string): string {
  return `site-modules-${createHash("sha256").update(lockFile).digest("hex").slice(0, 16)}`;
}

/** Installs the app's packages as its lock file says, once; an interrupted installation leaves no folder of that name. */
async function installModules(site: string, options: LayOutOptions): Promise<string> {
  const lockFile = await readFile(join(site, "package-lock.json"), "utf8");
  const finished = join(resolve(options.cache), modulesName(lockFile));
  const modules = join(finished, "node_modules");
  if (await exists(modules)) return modules;

  await removeUnfinished(resolve(options.cache));
  const staged = `${finished}.partial-${process.pid}`;
  // An app without packages has a folder for them all the same.
  await mkdir(join(staged, "node_modules"), { recursive: true });
  try {
    for (const name of ["package.json", "package-lock.json", ".npmrc"]) {
      if (await exists(join(site, name))) await cp(join(site, name), join(staged, name));
    }
    options.progress?.("installing the app's npm packages");
    const result = await execa("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: staged,
      env: { PATH: `${resolve(options.node)}:${process.env.PATH ?? ""}` },
      all: true,
      reject: false,
      timeout: 300_000,
      cancelSignal: options.signal,
    });
    if (result.failed) {
      const why = result.timedOut
        ? "it took longer than 5 minutes"
        : result.all.trim().split("\n").slice(-8).join("\n");
      throw new Error(`npm ci for the app in ${site} failed: ${why}\nNext: run npm ci there by hand.`);
    }
    await rename(staged, finished).catch(async (error: unknown) => {
      // Another run was faster.
      if (!(await exists(modules))) throw error;
    });
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
  return modules;
}

/** What installations left that were killed. */
async function removeUnfinished(cache: string): Promise<void> {
  for (const name of await readdir(cache).catch(() => [])) {
    const installer = /^site-modules-.*\.partial-(\d+)$/.exec(name)?.[1];
    if (installer && !isThere(Number(installer)))
      await rm(join(cache, name), { recursive: true, force: true });
  }
}

async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
