/** What a command line asks for. Everything about the target is found out later. */
export interface Plan {
  target: string;
  phases: ReadonlySet<Phase>;
  source:
    | { from: "flake"; flake: string; attribute: string; disko: string }
    | { from: "store"; disko: string; toplevel: string };
  buildOn: "auto" | "local";
  /** Private key file; null: one is made for this run. */
  identity: string | null;
  /** ssh arguments after the fixed ones; ssh keeps the first value it is given. */
  sshArguments: string[];
  postKexecPort: string;
  kexec: string | null;
  forceKexec: boolean;
  kexecFlags: string;
  extraFiles: string | null;
  ownership: { path: string; owner: string }[];
  /** Files for the installer only, by their path there. */
  installerFiles: { remote: string; local: string }[];
  copyHostKeys: boolean;
  storeSettings: string;
  copyOptions: string[];
  nixOptions: string[];
  buildFlags: string[];
  /** Tell the installer the substituters the flake's configuration has. */
  machineSubstituters: boolean;
}

export const phases = ["kexec", "disko", "install", "reboot"] as const;
export type Phase = (typeof phases)[number];

/** The command line cannot be followed; the message is for people. */
export class UsageError extends Error {}

const refused: Record<string, string> = {
  "--generate-hardware-config": "the lab's machines have no hardware to describe",
  "--vm-test": "it starts no virtual machine",
  "--env-password": "it logs in with keys only",
  "--debug": "the real one prints the private key with it",
  "--build-on-remote": "it builds on this machine only",
  "-t": "it is deprecated",
  "--tty": "it is deprecated",
  "--stop-after-disko": "it is deprecated; use --phases kexec,disko",
  "--no-reboot": "it is deprecated; use --phases kexec,disko,install",
};

/**
 * Reads a command line as nixos-anywhere does. Stricter in two ways: an unknown option is never taken for the host, and
 * what the stand-in does not do is refused by name.
 * @param resolvePath follows links to the end, as `readlink -f` does
 */
export function parseArguments(argv: readonly string[], resolvePath: (path: string) => string): Plan {
  const seen = read(argv, resolvePath);
  if (seen.diskoMode !== null && seen.storePaths) {
    throw new UsageError("--disko-mode cannot be used if --store-paths is used");
  }
  if (!seen.target) throw new UsageError("ssh-host must be set");
  return {
    target: seen.target,
    phases: seen.phases,
    source: sourceOf(seen),
    buildOn: seen.buildOn,
    identity: seen.identity,
    sshArguments: seen.sshArguments,
    postKexecPort: seen.postKexecPort,
    kexec: seen.kexec,
    forceKexec: seen.forceKexec,
    kexecFlags: seen.kexecFlags,
    extraFiles: seen.extraFiles,
    ownership: [...seen.ownership].map(([path, owner]) => ({ path, owner })),
    installerFiles: [...seen.installerFiles].map(([remote, local]) => ({ remote, local })),
    copyHostKeys: seen.copyHostKeys,
    storeSettings: seen.storeSettings,
    copyOptions: [...seen.from, ...(seen.substituteOnDestination ? ["--substitute-on-destination"] : [])],
    nixOptions: [...seen.nixOptions, ...(seen.buildLogs ? ["-L"] : [])],
    buildFlags: seen.buildFlags,
    machineSubstituters: seen.machineSubstituters,
  };
}

type Seen = ReturnType<typeof nothingSeen>;

function nothingSeen() {
  return {
    target: "",
    flake: "",
    storePaths: null as { disko: string; toplevel: string } | null,
    diskoMode: null as string | null,
    diskoDependencies: true,
    phases: new Set<Phase>(phases),
    buildOn: "auto" as "auto" | "local",
    identity: null as string | null,
    sshArguments: [] as string[],
    postKexecPort: "22",
    kexec: null as string | null,
    forceKexec: false,
    kexecFlags: "",
    extraFiles: null as string | null,
    ownership: new Map<string, string>(),
    installerFiles: new Map<string, string>(),
    copyHostKeys: false,
    storeSettings: "compress=true",
    from: [] as string[],
    substituteOnDestination: true,
    machineSubstituters: true,
    nixOptions: [] as string[],
    buildFlags: [] as string[],
    buildLogs: false,
  };
}

function read(argv: readonly string[], resolvePath: (path: string) => string): Seen {
  const seen = nothingSeen();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const option = word;
    const value = (): string => {
      const next = rest.shift();
      if (next === undefined) throw new UsageError(`${option} needs a value`);
      return next;
    };
    const reason = refused[option];
    if (reason !== undefined) throw new UsageError(`the stand-in does not do ${option}: ${reason}`);
    switch (option) {
      case "-f":
      case "--flake":
        seen.flake = value();
        break;
      case "--target-host":
        seen.target = value();
        break;
      case "-i":
        seen.identity = value();
        break;
      case "-p":
      case "--ssh-port":
        seen.sshArguments.push("-p", value());
        break;
      case "--ssh-option":
        seen.sshArguments.push("-o", value());
        break;
      case "-L":
      case "--print-build-logs":
        seen.buildLogs = true;
        break;
      case "-s":
      case "--store-paths":
        seen.storePaths = { disko: resolvePath(value()), toplevel: resolvePath(value()) };
        break;
      case "--kexec":
        seen.kexec = value();
        break;
      case "--force-kexec":
        seen.forceKexec = true;
        // The real one drops the argument after it.
        rest.shift();
        break;
      case "--kexec-extra-flags":
        seen.kexecFlags = value();
        break;
      case "--ssh-store-setting":
        seen.storeSettings += `&${value()}=${value()}`;
        break;
      case "--post-kexec-ssh-port":
        seen.postKexecPort = value();
        break;
      case "--copy-host-keys":
        seen.copyHostKeys = true;
        break;
      case "--show-trace":
        seen.buildFlags.push("--show-trace");
        break;
      case "--disko-mode":
        seen.diskoMode = diskoMode(value());
        break;
      case "--no-disko-deps":
        seen.diskoDependencies = false;
        break;
      case "--build-on":
        seen.buildOn = buildPlace(value());
        break;
      case "--extra-files":
        seen.extraFiles = value();
        break;
      case "--chown":
        seen.ownership.set(value(), value());
        break;
      case "--disk-encryption-keys":
        seen.installerFiles.set(value(), value());
        break;
      case "--phases":
        seen.phases = phaseSet(value());
        break;
      case "--from":
        seen.from.push("--from", value());
        break;
      case "--option":
        seen.nixOptions.push("--option", value(), value());
        break;
      case "--no-substitute-on-destination":
        seen.substituteOnDestination = false;
        seen.machineSubstituters = false;
        break;
      case "--no-use-machine-substituters":
        seen.machineSubstituters = false;
        break;
      default:
        if (option.startsWith("-")) throw new UsageError(`unknown option ${option}`);
        if (seen.target) throw new UsageError(`two hosts: ${seen.target} and ${option}`);
        seen.target = option;
    }
  }
  return seen;
}

function diskoMode(value: string): string {
  if (["disko", "mount", "format"].includes(value)) return value;
  throw new UsageError(
    `Supported values for --disko-mode are disko, mount and format. Unknown mode : ${value}`,
  );
}

function buildPlace(value: string): "auto" | "local" {
  if (value === "auto" || value === "local") return value;
  if (value === "remote")
    throw new UsageError("the stand-in does not do --build-on remote: it builds on this machine only");
  throw new UsageError(`Supported values for --build-on are auto, local and remote. Unknown mode : ${value}`);
}

function phaseSet(list: string): Set<Phase> {
  const wanted = new Set<Phase>();
  for (const name of list.split(",")) {
    const phase = phases.find((known) => known === name);
    if (phase === undefined) throw new UsageError(`Unknown phase: ${name}`);
    wanted.add(phase);
  }
  return wanted;
}

function sourceOf(seen: Seen): Plan["source"] {
  // A flake wins over store paths, as in the real one.
  if (seen.flake) {
    const [, flake, name] = /^(.*)#([^#"]*)$/s.exec(seen.flake) ?? [];
    if (!flake || !name) {
      throw new UsageError(
        "Please specify the name of the NixOS configuration to be installed, as a URI fragment in the flake-uri.\n" +
          'For example, to use the output nixosConfigurations.foo from the flake.nix, append "#foo" to the flake-uri.',
      );
    }
    return {
      from: "flake",
      flake,
      attribute: name.startsWith("nixosConfigurations.") ? name : `nixosConfigurations."${name}".config`,
      disko: `${seen.diskoMode ?? "disko"}Script${seen.diskoDependencies ? "" : "NoDeps"}`,
    };
  }
  if (seen.storePaths) return { from: "store", ...seen.storePaths };
  throw new UsageError("--flake or --store-paths must be set");
}
