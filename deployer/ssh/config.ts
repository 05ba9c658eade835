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

/** known_hosts: the alias and nothing else. A key's comment is dropped. */
export function knownHosts(target: SshTarget): string {
  return target.hostKeys
    .map((key) => `${hostAlias(target)} ${key.trim().split(/\s+/).slice(0, 2).join(" ")}\n`)
    .join("");
}

/**
 * An ssh_config for one host: strict from the first byte, no global known_hosts, ed25519 only, nothing forwarded.
 * ssh keeps the first value it sees, so the user's own configuration comes last: it may add a ProxyJump, not weaken this
 * nor change what a command does.
 */
export function sshConfig(target: SshTarget, files: SshFiles): string {
  const lines = [
    `HostName ${target.address}`,
    `Port ${target.port}`,
    `User ${target.user}`,
    `HostKeyAlias ${hostAlias(target)}`,
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
  return `Host ${hostAlias(target)}\n${lines.map((line) => `  ${line}\n`).join("")}\nMatch all\n  Include ~/.ssh/config\n`;
}
