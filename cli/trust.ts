import { Failure } from "../deployer/failure.ts";
import { fingerprint } from "../deployer/ssh/fingerprint.ts";
import { scanHostKey } from "../deployer/ssh/scan.ts";

/** Seconds in which a machine that is up has answered. */
const patience = 10;

/**
 * The host key that a machine shows, with what a person needs to compare it and to write it down. Nothing is remembered: trust is the
 * line in the stack's configuration.
 */
export async function trust(address: string, port: number): Promise<string> {
  const { key, said } = await scanHostKey(address, port, patience);
  if (key !== undefined) return introduce(address, port, key);
  throw new Failure({
    tried: `ask ${address} on port ${port} for its ed25519 host key`,
    cameBack: said,
    next: "check address and port, and that sshd there has an ed25519 key: ssh-keygen -A makes the missing ones",
  });
}

/** What to compare, and what to write where. Pure. */
export function introduce(address: string, port: number, key: string): string {
  return `${address} answers on port ${port} with the ed25519 host key
  ${fingerprint(key)}

Whoever answers there may have shown it. Compare it with what the machine says of itself, at its console or by whoever set it up:
  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

If it is the same, a machine that was ordered elsewhere is written down as
  berth:hosts:
    NAME:
      existing:
        address: ${/:/.test(address) ? `"${address}"` : address}${port === 22 ? "" : `\n        port: ${port}`}
        hostKey: ${key}
`;
}
