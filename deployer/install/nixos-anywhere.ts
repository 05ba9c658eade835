import { access, chmod, constants, copyFile, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Failure } from "../failure.ts";
import { endOf, forEachLine } from "../process.ts";
import { hostAlias, knownHosts } from "../ssh/config.ts";
import type { InstallDocument } from "./document.ts";
import type { InstallLog } from "./log.ts";

const shim = fileURLToPath(new URL("./ssh-shim", import.meta.url));

export type Phase = "kexec" | "disko" | "install" | "reboot";

/** The command line, without secrets. Pure. */
export function commandLine(
  document: InstallDocument,
  phases: readonly Phase[],
  files: { extraFiles: string; identity: string | undefined },
): string[] {
  const { target } = document;
  return [
    "--store-paths",
    document.diskoScript.out,
    document.toplevel.out,
    ...(document.kexecTarball ? ["--kexec", document.kexecTarball.out] : []),
    "--extra-files",
    files.extraFiles,
    "--phases",
    phases.join(","),
    ...(files.identity ? ["-i", files.identity] : []),
    // A port that leads to the machine leads to its installer, too.
    ...(target.port === 22 ? [] : ["-p", String(target.port), "--post-kexec-ssh-port", String(target.port)]),
    "--ssh-option",
    "ConnectTimeout=10",
    "--ssh-option",
    "ServerAliveInterval=5",
    "--target-host",
    `${target.user}@${target.address}`,
  ];
}

/** Phase headlines of nixos-anywhere, in people's words. */
export function phaseOf(line: string): string | undefined {
  return /^### (.+?) ###$/.exec(line.trim())?.[1];
}

/** What the installed system gets beside its closure: its lasting identity, its people, its marker. */
export async function layOutExtraFiles(folder: string, document: InstallDocument): Promise<void> {
  const { lastingHostKey, ageKey, authorizedKeys, marker } = document;
  const folders = {
    ".": 0o755,
    etc: 0o755,
    "etc/ssh": 0o755,
    "etc/berth": 0o755,
    root: 0o700,
    "root/.ssh": 0o700,
    var: 0o755,
    "var/lib": 0o755,
    "var/lib/berth": 0o700,
  };
  for (const [path, mode] of Object.entries(folders)) {
    await mkdir(join(folder, path), { recursive: true });
    // Set outright: the modes travel to the host, and a strict umask here would shut its people out of /etc.
    await chmod(join(folder, path), mode);
  }
  const files: [path: string, mode: number, lines: readonly string[]][] = [
    ["etc/ssh/ssh_host_ed25519_key", 0o600, [lastingHostKey.privateKey.trimEnd()]],
    ["etc/ssh/ssh_host_ed25519_key.pub", 0o644, [lastingHostKey.publicKey.trim()]],
    ["var/lib/berth/age.key", 0o400, [ageKey.trim()]],
    ["root/.ssh/authorized_keys", 0o600, authorizedKeys.map((key) => key.trim())],
    ["etc/berth/install.json", 0o644, [JSON.stringify(marker)]],
  ];
  for (const [path, mode, lines] of files) {
    await writeFile(join(folder, path), lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    await chmod(join(folder, path), mode);
  }
}

/** Run nixos-anywhere to its end, strictly checking the bootstrap key through every phase. Its whole output goes to the log. */
export async function nixosAnywhere(
  document: InstallDocument,
  phases: readonly Phase[],
  folder: string,
  log: InstallLog,
  deadline: number,
): Promise<void> {
  const extraFiles = join(folder, "extra");
  await layOutExtraFiles(extraFiles, document);
  const identity = document.target.loginKey === undefined ? undefined : join(folder, "login");
  if (identity) await writeFile(identity, `${document.target.loginKey?.trimEnd()}\n`, { mode: 0o600 });
  const known = join(folder, "known_hosts");
  await writeFile(known, knownHosts({ ...document.target, hostKeys: [document.bootstrapHostKey] }), {
    mode: 0o600,
  });
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  await copyFile(shim, join(bin, "ssh"));

  const child = execa("nixos-anywhere", commandLine(document, phases, { extraFiles, identity }), {
    reject: false,
    stdin: "ignore",
    buffer: false,
    timeout: deadline,
    env: {
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      BERTH_SSH: await findOnPath("ssh"),
      BERTH_KNOWN_HOSTS: known,
      BERTH_HOST_ALIAS: hostAlias(document.target),
    },
  });
  const say = (line: string) => {
    log.keep(line);
    const phase = phaseOf(line);
    if (phase) log.say(phase);
    else if (/stand-in/i.test(line)) log.say(line);
  };
  forEachLine(child.stdout, say);
  forEachLine(child.stderr, say);
  const ended = await endOf(child, { deadline });
  if (ended.exitCode === 0) return;
  const missing = ended.code === "ENOENT";
  throw new Failure({
    host: `${document.target.host} (${document.target.address})`,
    tried: missing ? "start nixos-anywhere" : `install NixOS, at "${log.phase}"`,
    cameBack: missing
      ? "it is not on PATH"
      : `${ended.timedOut ? `no end within ${Math.round(deadline / 1000)} s` : `nixos-anywhere ended with ${ended.exitCode}`}\n${log.tail(12)}`,
    next: missing
      ? "install nixos-anywhere (it is in nixpkgs)"
      : `the whole log is in ${log.file}; run pulumi up again: it looks at the host and goes on from there`,
  });
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
