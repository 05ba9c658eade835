import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { Failure } from "../deployer/failure.ts";
import type { JumpHost } from "../deployer/ssh/config.ts";
import { fingerprint } from "../deployer/ssh/fingerprint.ts";
import { scanTarget } from "../deployer/ssh/scan.ts";

export interface TrustOptions {
  port: number;
  /** The machine on the way, without its key. */
  jump?: Omit<JumpHost, "hostKey">;
  /** Its key, "ssh-ed25519 AAAA…". */
  jumpKey?: string;
  /** File of the private key that opens it; the ssh agent's and one's own when absent. */
  identity?: string;
}

/** Seconds in which a machine that is up has answered. */
const patience = 10;

/**
 * The host key that a machine shows, with what a person needs to compare it and to write it down. Nothing is remembered: trust is the
 * line in the stack's configuration.
 */
export async function trust(address: string, options: TrustOptions): Promise<string> {
  const { port } = options;
  const jump = jumpOf(options);
  const loginKey = options.identity === undefined ? undefined : await readIdentity(options.identity);
  const { key, said } = await scanTarget(
    {
      ...{ stack: "trust", host: "machine", address, port, user: "root" },
      ...(jump && { jump }),
      ...(loginKey !== undefined && { loginKey }),
    },
    patience,
  );
  if (key !== undefined) return introduce(address, port, key, jump);
  const way = jump ? ` through ${jump.user}@${jump.address} on port ${jump.port}` : "";
  throw new Failure({
    tried: `ask ${address} on port ${port}${way} for its ed25519 host key`,
    cameBack: said,
    next: "check address and port, and that sshd there has an ed25519 key: ssh-keygen -A makes the missing ones",
  });
}

/** The machine on the way with its key, which nobody else can tell. */
function jumpOf({ jump, jumpKey }: TrustOptions): JumpHost | undefined {
  if (!jump) return undefined;
  if (jumpKey !== undefined) return { ...jump, hostKey: jumpKey };
  const at = `${jump.address}${jump.port === 22 ? "" : ` --port ${jump.port}`}`;
  throw new Failure({
    tried: `go through ${jump.address}`,
    cameBack: "its own host key is not known",
    next: `give it with --jump-key; berth trust ${at} shows it`,
  });
}

const readIdentity = (file: string): Promise<string> =>
  readFile(file, "utf8").catch((error: Error) => {
    throw new Failure({
      tried: `read the private key ${file}`,
      cameBack: error.message,
      next: "name the file of a private key",
    });
  });

/** "ada@198.51.100.1:2222", user and port optional, an IPv6 address with a port in brackets; undefined for anything else. Pure. */
export function parseJump(text: string): Omit<JumpHost, "hostKey"> | undefined {
  const [, user = "root", rest = ""] = /^(?:([a-z_][a-z0-9_-]{0,31})@)?([^@\s]+)$/.exec(text) ?? [];
  if (isIPv6(rest)) return { address: rest, port: 22, user };
  const [, brackets, plain, port = "22"] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(rest) ?? [];
  const address = brackets !== undefined && isIPv6(brackets) ? brackets : plain;
  if (address === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { address, port: Number(port), user };
}

/** What to compare, and what to write where. Pure. */
export function introduce(address: string, port: number, key: string, jump?: JumpHost): string {
  return `${address} answers on port ${port} with the ed25519 host key
  ${fingerprint(key)}

Whoever answers there may have shown it. Compare it with what the machine says of itself, at its console or by whoever set it up:
  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

If it is the same, a machine that was ordered elsewhere is written down as
  berth:hosts:
    NAME:
      existing:
        address: ${inYaml(address)}${port === 22 ? "" : `\n        port: ${port}`}
        hostKey: ${key}${jump ? `\n        jump: ${jumpInYaml(jump)}` : ""}
`;
}

const inYaml = (address: string): string => (/:/.test(address) ? `"${address}"` : address);
const jumpInYaml = ({ address, port, user, hostKey }: JumpHost): string =>
  `{ address: ${inYaml(address)}, ${port === 22 ? "" : `port: ${port}, `}user: ${user}, hostKey: ${hostKey} }`;
