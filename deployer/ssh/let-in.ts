import sshpk from "sshpk";
import type { SshTarget } from "./config.ts";

/** The line of authorized_keys that lets a private key in. */
export const publicLineOf = (loginKey: string): string =>
  sshpk.parsePrivateKey(loginKey, "ssh-private").toPublic().toString("ssh");

/**
 * What a person does about a host that lets nobody in with our key.
 * @param line the public key where it is the stack's own; absent where it is the ssh agent's
 */
export function howToBeLetIn(
  { user, jump }: Pick<SshTarget, "user" | "jump">,
  line: string | undefined,
): string {
  const where = `~${user}/.ssh/authorized_keys there${jump ? ` and ${jump.user}'s on ${jump.address}` : ""}`;
  return line === undefined
    ? `see that your ssh agent has a key that ${where} lets in, then run pulumi up again`
    : `this stack logs in with a key of its own; add this line to ${where}, then run pulumi up again\n${line}`;
}
