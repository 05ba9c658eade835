import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../child.mjs";
import { extractDebian } from "../extract.mjs";
import { pins } from "../pins.mjs";
import { onPath } from "../places.mjs";
import { probe } from "../probe.mjs";
import { isStowed, stow } from "../stow.mjs";
import { Trouble } from "../trouble.mjs";
import { atLeast } from "../versions.mjs";

/** The names one binary answers to. */
const COMMANDS = [
  "nix",
  "nix-build",
  "nix-collect-garbage",
  "nix-copy-closure",
  "nix-env",
  "nix-hash",
  "nix-instantiate",
  "nix-store",
];

/** No sandbox and no builders: neither can be counted on in a container. Nothing is looked up at a cache: all is built here. */
const CONFIGURATION = `experimental-features = nix-command flakes
sandbox = false
build-users-group =
filter-syscalls = false
substitute = false
`;

/**
 * What a Nix that is there already lacks by default. The lab's builds use tools of this machine and say so (`__noChroot`); a relaxed
 * sandbox lets out those and no others.
 * @param {string | undefined} configured NIX_CONFIG as it is
 * @param {string} groups /etc/group; a bare nix-bin comes without the builders that root's Nix asks for
 * @returns {import("../steps.mjs").Found}
 */
export function settingsForSystemNix(configured, groups) {
  const lines = [
    configured ?? "",
    "extra-experimental-features = nix-command flakes",
    "sandbox = relaxed",
    /^nixbld:/m.test(groups) ? "" : "build-users-group =",
  ];
  return { path: [], env: { NIX_CONFIG: lines.filter((line) => line !== "").join("\n") } };
}

/** Why a Nix cannot serve the lab, by what `nix store info --json` prints: settings of users it does not trust are ignored. */
export function untrusted(/** @type {string} */ info) {
  const trusted = /"trusted":\s*(1|true)\b/.test(info);
  return trusted
    ? undefined
    : "Nix on PATH does not let this user relax its sandbox, and the lab's builds use tools of this machine. " +
        "Next: add `extra-trusted-users = <you>` or `sandbox = relaxed` to /etc/nix/nix.conf and restart nix-daemon, or run as root";
}

/** @param {string} cache */
const folder = (cache) => join(cache, `nix-${pins.suite}-1`);

/**
 * The Nix on PATH if it is new enough.
 * @param {string} cache
 * @returns {Promise<string | undefined>} its path
 */
export async function systemNix(cache) {
  const nix = onPath("nix");
  if (!nix || nix.startsWith(`${cache}/`)) return undefined;
  return atLeast(await probe(cache, [nix, "--version"]), pins.nix) ? nix : undefined;
}

/** @type {import("../steps.mjs").Step} */
export const nixStep = {
  name: "nix",
  title: "Nix",
  why: `a private copy from Debian ${pins.suite}`,
  diskMB: 350,
  async check({ cache }) {
    const system = await systemNix(cache);
    if (system) {
      await refuseUnfit(cache, system);
      return settingsForSystemNix(process.env.NIX_CONFIG, await readFile("/etc/group", "utf8"));
    }
    const dir = folder(cache);
    if (!(await isStowed(dir)) || !(await storeIsOurs())) return undefined;
    return { path: [join(dir, "bin")], env: { NIX_CONF_DIR: join(dir, "conf") } };
  },
  /** Only root can make /nix. */
  async rootWork() {
    return (await storeIsOurs())
      ? undefined
      : { verb: "nix-store", args: [], reason: "make /nix, the store" };
  },
  async make({ cache, at }) {
    const dir = folder(cache);
    if (!(await isStowed(dir)))
      await stow(dir, (temporary) => makeCopy(temporary, dir, join(cache, "log/nix.log"), at));
    at("first run");
    await must("running the private Nix", [join(dir, "bin/nix"), "store", "ping"], {
      env: { ...process.env, NIX_CONF_DIR: join(dir, "conf") },
      log: join(cache, "log/nix.log"),
      deadline: 60_000,
    });
  },
};

/**
 * @param {string} cache
 * @param {string} nix
 */
async function refuseUnfit(cache, nix) {
  const on = ["--extra-experimental-features", "nix-command"];
  const files = [nix, "/etc/nix/nix.conf"];
  if ((await probe(cache, [nix, "config", "show", "sandbox", ...on], files)) !== "true") return;
  const because = untrusted(await probe(cache, [nix, "store", "info", "--json", ...on], files));
  if (because) throw new Trouble(because);
}

/** Whether there is a store, or room for one, that this user may write. */
async function storeIsOurs() {
  const uid = process.getuid?.() ?? 0;
  const owner = await storeOwner();
  // Root makes /nix as it goes; for others the root helper does, and an empty one changes hands.
  if (owner === undefined) return uid === 0;
  return owner === uid || refuseStore(owner);
}

/** Whose /nix is; undefined when there is none, or an empty one of root's. */
async function storeOwner() {
  const content = await readdir("/nix").catch(() => undefined);
  if (!content) return undefined;
  const { uid } = await stat("/nix");
  return uid === 0 && content.length === 0 ? undefined : uid;
}

/**
 * @param {number} owner
 * @returns {never}
 */
function refuseStore(owner) {
  throw new Trouble(
    `/nix belongs to user ${owner}, and Nix here has no daemon that would share it. ` +
      `Run as that user, or install Nix ${pins.nix} or newer with its daemon, or remove /nix if nothing uses it.`,
  );
}

/**
 * @param {string} temporary where it is made
 * @param {string} final where it will be: the paths baked in are these
 * @param {string} log
 * @param {(doing: string) => void} at
 */
async function makeCopy(temporary, final, log, at) {
  await extractDebian("nix-bin", join(temporary, "root"), log, at);
  const root = join(final, "root");
  const libraries = "usr/lib/x86_64-linux-gnu";
  at("patchelf");
  // DT_RPATH, not RUNPATH: it also serves the libraries that libraries need.
  await must(
    "patching Nix",
    [
      "patchelf",
      ...["--set-interpreter", `${root}/${libraries}/ld-linux-x86-64.so.2`],
      ...["--force-rpath", "--set-rpath", `${root}/${libraries}:${root}/${libraries}/nix`],
      join(temporary, "root/usr/bin/nix"),
    ],
    { log },
  );
  await mkdir(join(temporary, "bin"));
  for (const name of COMMANDS) await symlink("../root/usr/bin/nix", join(temporary, "bin", name));
  await mkdir(join(temporary, "conf"));
  await writeFile(join(temporary, "conf/nix.conf"), CONFIGURATION);
  await chmod(join(temporary, "root"), 0o755);
}
