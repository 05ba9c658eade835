import { withoutComment } from "../../config/public-key.ts";

/** Where a host is, who it must be, and how to log in. */
export interface SshTarget {
  /** The stack's name. */
  stack: string;
  /** The host's name in the stack; also used in messages. */
  host: string;
  /** IPv4 or IPv6 address, or a DNS name. */
  address: string;
  port: number;
  user: string;
  /** Host keys that are accepted, each "ssh-ed25519 AAAA…". Anything else is refused. */
  hostKeys: readonly string[];
  /** Private key in OpenSSH form; absent = the ssh agent's. */
  loginKey?: string;
  /** The machine that every connection goes through; the same login key opens it. */
  jump?: JumpHost;
}

/** A machine on the way to a host. */
export interface JumpHost {
  address: string;
  port: number;
  user: string;
  /** Its host key, "ssh-ed25519 AAAA…". */
  hostKey: string;
}

/** Files an ssh configuration points at. */
export interface SshFiles {
  knownHosts: string;
  identity: string | undefined;
  controlPath: string;
}

/** The alias all of a target's connections use, so that an address that changes hands never changes trust. */
export const hostAlias = (target: Pick<SshTarget, "stack" | "host">): string =>
  `berth-${target.stack}-${target.host}`;

/** The alias of the machine on the way to a target. */
export const jumpAlias = (target: Pick<SshTarget, "stack" | "host">): string => `${hostAlias(target)}-jump`;

/** known_hosts: the aliases and nothing else. A key's comment is dropped. */
export function knownHosts(target: SshTarget): string {
  const known = target.hostKeys.map((key) => [hostAlias(target), key] as const);
  if (target.jump) known.push([jumpAlias(target), target.jump.hostKey]);
  return known.map(([alias, key]) => `${alias} ${withoutComment(key)}\n`).join("");
}

/**
 * An ssh_config for one host: strict from the first byte, no global known_hosts, ed25519 only, nothing forwarded.
 * ssh keeps the first value it sees, so the user's own configuration comes last: it may add a ProxyJump, not weaken this
 * nor change what a command does.
 */
export function sshConfig(target: SshTarget, files: SshFiles): string {
  const { jump } = target;
  const hosts = [
    ...(jump ? [hostBlock(jumpAlias(target), jump, { ...files, controlPath: "none" }, [])] : []),
    hostBlock(hostAlias(target), target, files, jump ? [`ProxyJump ${jumpAlias(target)}`] : []),
  ];
  return `${hosts.join("")}\nMatch all\n  Include ~/.ssh/config\n`;
}

function hostBlock(
  alias: string,
  { address, port, user }: Pick<SshTarget, "address" | "port" | "user">,
  files: SshFiles,
  route: string[],
): string {
  const lines = [
    `HostName ${address}`,
    `Port ${port}`,
    `User ${user}`,
    ...route,
    `HostKeyAlias ${alias}`,
    "HostKeyAlgorithms ssh-ed25519",
    "StrictHostKeyChecking yes",
    `UserKnownHostsFile ${files.knownHosts}`,
    "GlobalKnownHostsFile /dev/null",
    "KnownHostsCommand none",
    "NoHostAuthenticationForLocalhost no",
    "UpdateHostKeys no",
    "VerifyHostKeyDNS no",
    "CheckHostIP no",
    "BatchMode yes",
    "PreferredAuthentications publickey",
    ...(files.identity ? [`IdentityFile ${files.identity}`, "IdentitiesOnly yes"] : []),
    // The key is the stack's, not the agent's to keep.
    "AddKeysToAgent no",
    "ForwardAgent no",
    "ForwardX11 no",
    "ClearAllForwardings yes",
    "PermitLocalCommand no",
    "RemoteCommand none",
    "RequestTTY no",
    "StdinNull no",
    "ConnectTimeout 10",
    "ServerAliveInterval 5",
    "ServerAliveCountMax 3",
    "LogLevel ERROR",
    `ControlPath ${files.controlPath}`,
    "ControlMaster no",
    // A master that goes into the background is one that nobody ends.
    "ControlPersist no",
    "ForkAfterAuthentication no",
  ];
  return `Host ${alias}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
