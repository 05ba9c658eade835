import { access, chmod, constants, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure, messageOf } from "../failure.ts";
import { type Ended, NotStarted, run as runToItsEnd, TimedOut } from "../process.ts";
import { hostAlias, jumpAlias, knownHosts, sshConfig } from "../ssh/config.ts";
import type { InstallDocument } from "./document.ts";
import type { InstallLog } from "./log.ts";
import { type Phase, phaseWords } from "./phases.ts";
import { markerOf } from "./progress.ts";

const shim = fileURLToPath(new URL("./ssh-shim", import.meta.url));

/** The command line, without secrets. Pure. */
export function commandLine(
  document: InstallDocument,
  phase: Phase,
  files: { extraFiles: string | undefined; identity: string | undefined; diskKey?: string | undefined },
): string[] {
  const { target, encryption } = document;
  return [
    "--store-paths",
    document.diskoScript.out,
    document.toplevel.out,
    // Without it, a build that cannot be judged would be put off until after the disk is wiped.
    "--build-on",
    "local",
    ...(document.kexecTarball ? ["--kexec", document.kexecTarball.out] : []),
    ...(files.extraFiles === undefined ? [] : ["--extra-files", files.extraFiles]),
    ...(encryption && files.diskKey !== undefined
      ? ["--disk-encryption-keys", encryption.keyFile, files.diskKey]
      : []),
    "--phases",
    phase,
    ...(document.substitutes ? [] : ["--no-substitute-on-destination"]),
    ...(files.identity ? ["-i", files.identity] : []),
    // A port that leads to the machine leads to its installer, too.
    ...(target.port === 22 ? [] : ["-p", String(target.port), "--post-kexec-ssh-port", String(target.port)]),
    "--ssh-option",
    "ConnectTimeout=10",
    "--ssh-option",
    "ServerAliveInterval=5",
    "--target-host",
    // A name that the shim leads to the address: Nix takes no bare IPv6 address for a host.
    `${target.user}@${hostAlias(target)}`,
  ];
}

/** Phase headlines of nixos-anywhere, in people's words. */
export function phaseOf(line: string): string | undefined {
  return /^### (.+?) ###$/.exec(line.trim())?.[1];
}

/** What the installed system gets beside its closure: its lasting identity, its people, its marker. */
export async function layOutExtraFiles(folder: string, document: InstallDocument): Promise<void> {
  const { lastingHostKey, ageKey, authorizedKeys, encryption } = document;
  const people = authorizedKeys.map((key) => key.trim());
  const files: [path: string, mode: number, lines: readonly string[]][] = [
    ["etc/ssh/ssh_host_ed25519_key", 0o600, [lastingHostKey.privateKey.trimEnd()]],
    ["etc/ssh/ssh_host_ed25519_key.pub", 0o644, [lastingHostKey.publicKey.trim()]],
    ["var/lib/berth/age.key", 0o400, [ageKey.trim()]],
    ["root/.ssh/authorized_keys", 0o600, people],
    ["etc/berth/install.json", 0o644, [JSON.stringify(markerOf(document))]],
  ];
  if (encryption) {
    const { hostKey, hostKeyFile, authorizedKeysFile } = encryption.unlock;
    files.push([relative("/", hostKeyFile), 0o600, [hostKey.privateKey.trimEnd()]]);
    const path = relative("/", authorizedKeysFile);
    if (path !== "root/.ssh/authorized_keys") files.push([path, 0o600, people]);
  }
  const folders: Record<string, number> = {
    ...Object.fromEntries(files.flatMap(([path]) => foldersOf(path).map((folder) => [folder, 0o755]))),
    ".": 0o755,
    root: 0o700,
    "root/.ssh": 0o700,
    "var/lib/berth": 0o700,
  };
  for (const [path, mode] of Object.entries(folders)) {
    await mkdir(join(folder, path), { recursive: true });
    // Set outright: the modes travel to the host, and a strict umask here would shut its people out of /etc.
    await chmod(join(folder, path), mode);
  }
  for (const [path, mode, lines] of files) {
    await writeFile(join(folder, path), lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    await chmod(join(folder, path), mode);
  }
}

/** Every folder on the way to a file. */
const foldersOf = (path: string): string[] => {
  const parts = dirname(path).split("/");
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
};

export interface PhaseRun {
  phase: Phase;
  /** The only host key that is believed. */
  hostKey: string;
  /** A private folder for keys and files. */
  folder: string;
  log: InstallLog;
  /** Milliseconds. */
  deadline: number;
  /** Ends the run; its reason is what came back. */
  signal?: AbortSignal;
  /** Where the host stands after a failure, asked then. */
  stands?: () => Promise<string>;
}

/** Run one phase of nixos-anywhere to its end, strictly checking the host key. Its whole output goes to the log. */
export async function nixosAnywhere(document: InstallDocument, run: PhaseRun): Promise<void> {
  const { phase, log, deadline, signal } = run;
  const { target } = document;
  const { env, files } = await layOut(document, run);
  const say = (line: string) => {
    log.keep(line);
    const headline = phaseOf(line);
    if (headline) log.say(headline);
    else if (/stand-in/i.test(line)) log.sayOnce(line);
  };
  const ended = await runToItsEnd("nixos-anywhere", commandLine(document, phase, files), {
    ...{ deadline, signal, env, keepStderr: false, onLine: say, onOutput: say },
  }).catch((error: Error) => error);
  if (files.diskKey) await rm(files.diskKey, { force: true });
  if (ended instanceof NotStarted) {
    throw new Failure({
      host: `${target.host} (${target.address})`,
      tried: "start nixos-anywhere",
      cameBack: ended.cameBack,
      next: "install nixos-anywhere (it is in nixpkgs)",
    });
  }
  const ending = endingOf(ended, deadline, signal);
  if (ending === undefined) return;
  const last = log.tail(12);
  throw new Failure({
    host: `${target.host} (${target.address})`,
    tried: `install NixOS, phase ${phase} (${phaseWords[phase]}), at "${log.phase}"`,
    cameBack: `${ending}\n${last}`,
    ...(run.stands && { stands: await run.stands() }),
    next: `the whole log is in ${log.file}; run pulumi up again: it looks at the host and goes on from there`,
  });
}

/** How a run has ended that did not go well; undefined for one that did. */
function endingOf(
  ended: Ended | Error,
  deadline: number,
  signal: AbortSignal | undefined,
): string | undefined {
  if (ended instanceof TimedOut) return `no end within ${Math.round(deadline / 1000)} s`;
  if (ended instanceof Error) return messageOf(signal?.aborted ? signal.reason : ended);
  return ended.exitCode === 0 ? undefined : `nixos-anywhere ended with ${ended.exitCode}`;
}

/** The files a run needs in its folder, and the environment that leads nixos-anywhere to them. */
async function layOut(document: InstallDocument, { folder, hostKey, phase }: PhaseRun) {
  const { jump, ...direct } = { ...document.target, hostKeys: [hostKey] };
  const target = jump ? { ...direct, jump } : direct;
  const extraFiles = phase === "install" ? join(folder, "extra") : undefined;
  if (extraFiles) await layOutExtraFiles(extraFiles, document);
  // The layout reads it while it formats; no other phase needs it.
  const diskKey = phase === "disko" && document.encryption ? join(folder, "disk.key") : undefined;
  if (diskKey) await writeFile(diskKey, document.encryption?.passphrase ?? "", { mode: 0o600 });
  const identity = target.loginKey === undefined ? undefined : join(folder, "login");
  if (identity) await writeFile(identity, `${target.loginKey?.trimEnd()}\n`, { mode: 0o600 });
  const known = join(folder, "known_hosts");
  await writeFile(known, knownHosts(target), { mode: 0o600 });
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  await copyFile(shim, join(bin, "ssh"));
  const config = join(folder, "ssh_config");
  await writeFile(config, sshConfig(target, { knownHosts: known, identity, controlPath: "none" }), {
    mode: 0o600,
  });
  return {
    files: { extraFiles, identity, diskKey },
    env: {
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      BERTH_SSH: await findOnPath("ssh"),
      BERTH_KNOWN_HOSTS: known,
      BERTH_HOST_ALIAS: hostAlias(target),
      BERTH_ADDRESS: target.address,
      BERTH_SSH_CONFIG: config,
      BERTH_JUMP: jump ? jumpAlias(target) : "",
    },
  };
}

async function findOnPath(name: string): Promise<string> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const file = join(folder, name);
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  throw new Failure({
    tried: `find ${name} on PATH`,
    cameBack: "it is not there",
    next: "install the OpenSSH client",
  });
}
