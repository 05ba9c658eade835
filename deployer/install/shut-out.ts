import { Failure } from "../failure.ts";
import { fingerprint } from "../ssh/fingerprint.ts";
import { howToBeLetIn } from "../ssh/let-in.ts";
import type { InstallDocument } from "./document.ts";

/**
 * Why nobody was let in: the machine shows another key than it should (`shown`, "ssh-ed25519 AAAA…", undefined when it showed none any
 * more), or the machine on the way does, or it is the right one and knows no key of ours (`said` by ssh).
 */
export type ShutOut =
  | { by: "another key"; shown: string | undefined }
  | { by: "the way" }
  | { by: "the login"; said: string };

/** What a person is told who is shut out of a machine before it was looked at. Pure. */
export function shutOut(document: InstallDocument, why: ShutOut): Failure {
  const { target, ordered, authorizedKeys } = document;
  const setting = `berth:hosts.${target.host}.existing.hostKey`;
  const parts = {
    host: `${target.host} (${target.address})`,
    tried: `ssh as ${target.user} on port ${target.port}`,
    stands: "Nothing was done to it",
  };
  if (why.by === "the login") {
    const key = authorizedKeys[0]?.trim();
    return new Failure({
      ...parts,
      cameBack: `it shows the right host key, and does not let us in: ${why.said}`,
      next: howToBeLetIn(target, target.loginKey === undefined ? undefined : key),
    });
  }
  if (why.by === "the way" && target.jump) {
    const { address, port } = target.jump;
    return new Failure({
      ...parts,
      cameBack: `host key verification failed: the machine on the way, ${address}, answers with another key than berth:hosts.${target.host}.existing.jump.hostKey`,
      next: `berth trust ${address}${port === 22 ? "" : ` --port ${port}`} shows the key that answers; find out which is right before going on`,
    });
  }
  const shown = why.by === "another key" ? why.shown : undefined;
  const shows = shown === undefined ? "" : ` (${fingerprint(shown)})`;
  if (ordered)
    return new Failure({
      ...parts,
      cameBack: `host key verification failed: it answers with another key than this stack's${shows}`,
      next: "someone else answers at this address, or the host was installed by other means; find out which before going on",
    });
  const wanted = `${setting} (${fingerprint(document.bootstrapHostKey)})`;
  const take = shown ?? "its key";
  return new Failure({
    ...parts,
    cameBack: `host key verification failed: it answers with another key${shows} than ${wanted}, and not as a host of this stack either`,
    next: `look at the machine's console, ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. If that shows the one that answers, set ${setting} to ${take} and run pulumi up again; if not, somebody else has its address`,
  });
}
