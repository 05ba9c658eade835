import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, readdir, readFile, rename, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { run } from "./run.ts";

export const SUITE = "trixie";

/** What `debian-13` is made of. Only names: the versions are the suite's. */
const PACKAGES = [
  ...["systemd", "systemd-sysv", "systemd-resolved", "dbus", "kmod", "procps", "ca-certificates"],
  ...[
    "cloud-init",
    "netplan.io",
    "python3-yaml",
    "iproute2",
    "iputils-ping",
    "netcat-openbsd",
    "curl",
    "openssh-server",
  ],
  ...["nix-bin", "nginx-light", "libstdc++6"],
  ...["cpio", "tar", "gzip", "xz-utils", "zstd", "rsync", "jq"],
  // File systems of volumes.
  ...["e2fsprogs", "xfsprogs"],
  // The lab's services run from the image, too: load balancers, name server, ACME server; lego is the hosts' ACME client.
  ...["haproxy", "knot", "knot-dnsutils", "pebble", "lego", "openssl"],
  // What units of the real NixOS modules start.
  "systemd-container",
];

const RECIPE = join(import.meta.dirname, "image");

/** How long a build may take; a slow mirror needs minutes. */
const BUILD_LIMIT_MS = 20 * 60_000;

/** Says what the build is doing, one line at a time. */
export type Progress = (line: string) => void;

interface NodeBinary {
  path: string;
  version: string;
}

/** The checkout's own Node 24, which the image gets too. */
async function nodeBinary(): Promise<NodeBinary> {
  const manifest = createRequire(import.meta.url).resolve("node/package.json");
  const { version } = JSON.parse(await readFile(manifest, "utf8"));
  return { path: join(dirname(manifest), "bin", "node"), version };
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Hash of everything the image is made from but the suite's package versions. */
async function recipeHash(node: NodeBinary): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify({ SUITE, PACKAGES, node: node.version, arch: process.arch }));
  for (const file of await filesOf(RECIPE)) {
    hash.update(file.slice(RECIPE.length));
    hash.update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 12);
}

/** Where the image is, or will be once it is built: `<cache>/image-<hash>/root`. */
export async function imagePath(cache: string): Promise<string> {
  return join(cache, `image-${await recipeHash(await nodeBinary())}`, "root");
}

/**
 * The base image, built when the cache does not have it. Needs root.
 * Safe to interrupt: it is built beside its place and renamed when complete.
 * @param cache folder of cached things, e.g. ~/.cache/berth
 * @returns path of the image's root folder
 */
export async function ensureImage(cache: string, progress: Progress): Promise<string> {
  const node = await nodeBinary();
  const place = join(cache, `image-${await recipeHash(node)}`);
  await ensureBuilt(place, (partial) => build(join(partial, "root"), node, progress), progress);
  return join(place, "root");
}

/**
 * A folder of the cache that is built when it is not there: beside its place, and renamed when complete.
 * @param place `<cache>/image-…`
 */
export async function ensureBuilt(
  place: string,
  make: (partial: string) => Promise<void>,
  progress: Progress,
): Promise<void> {
  if (existsSync(place)) return;
  await makeCacheFolder(dirname(place));
  await removePartials(dirname(place), progress);
  const partial = `${place}.partial-${process.pid}`;
  await mkdir(partial, { mode: 0o700 });
  try {
    await make(partial);
    await rename(partial, place).catch((error: NodeJS.ErrnoException) => {
      // Somebody else was faster; theirs is as good.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await removeFolder(partial);
  }
}

/** Makes the cache folder as its parent's owner would have made it: root builds here, but the folder is a user's. */
async function makeCacheFolder(cache: string): Promise<void> {
  const made = await mkdir(cache, { recursive: true });
  if (!made) return;
  const { uid, gid } = await stat(dirname(made));
  for (let folder = cache; folder.length >= made.length; folder = dirname(folder))
    await chown(folder, uid, gid);
}

/** Removes what interrupted builds left. */
async function removePartials(cache: string, progress: Progress): Promise<void> {
  for (const name of await readdir(cache)) {
    const builder = /^image-.*\.partial-(\d+)$/.exec(name)?.[1];
    if (!builder || existsSync(`/proc/${builder}`)) continue;
    progress(`removing ${name}, left by an interrupted build`);
    await removeFolder(join(cache, name));
  }
}

/** Never crosses into another file system, should something still be mounted there. */
async function removeFolder(folder: string): Promise<void> {
  await execa("rm", ["-rf", "--one-file-system", "--", folder]);
}

async function build(root: string, node: NodeBinary, progress: Progress): Promise<void> {
  await debootstrap(root, progress);
  progress("configuring the image");
  for (const file of await filesOf(join(RECIPE, "files"))) {
    const target = join(root, relative(join(RECIPE, "files"), file));
    await run("install", ["-D", "-m", "0644", "--", file, target]);
  }
  await cp(join(RECIPE, "setup.sh"), join(root, "setup.sh"));
  await run("chroot", [root, "/bin/sh", "/setup.sh"]);
  await run("rm", [join(root, "setup.sh")]);
  await cp(node.path, join(root, "usr/local/bin/node"), { dereference: true });
  await chmod(join(root, "usr/local/bin/node"), 0o755);
  await chmod(root, 0o755);
}

async function debootstrap(root: string, progress: Progress): Promise<void> {
  progress(`fetching Debian ${SUITE} and installing ${PACKAGES.length} packages (about a minute)`);
  const include = `--include=${PACKAGES.join(",")}`;
  await inNamespaces(["mmdebstrap", "--mode=root", "--variant=minbase", include, SUITE, root], progress);
}

/** Have mmdebstrap, or a script around it, make a root. Throws with its last error. */
export async function inNamespaces(command: readonly string[], progress: Progress): Promise<void> {
  // In mount and PID namespaces of its own, so that an interrupted build leaves no mount and no process.
  const child = execa(
    "unshare",
    [
      ...["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"],
      ...command,
    ],
    {
      reject: false,
      timeout: BUILD_LIMIT_MS,
      stdin: "ignore",
      stdout: "ignore",
      buffer: false,
      env: buildEnvironment(),
    },
  );
  let last = "";
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith("I: ")) progress(line.slice(3));
    if (line.startsWith("E: ")) last = line;
  }
  const result = await child;
  if (!result.failed) return;
  const why = result.timedOut
    ? `no end within ${BUILD_LIMIT_MS / 60_000} minutes`
    : last || `exit ${result.exitCode}`;
  throw new Error(
    `mmdebstrap could not build the lab's image: ${why}. Is a Debian mirror reachable (apt-get update)?`,
  );
}

function buildEnvironment(): NodeJS.ProcessEnv {
  return { LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };
}
