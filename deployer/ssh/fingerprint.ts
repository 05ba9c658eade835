import { createHash } from "node:crypto";

/**
 * A public key's fingerprint as `ssh-keygen -l` prints it: "SHA256:…".
 * @param publicKey "ssh-ed25519 AAAA…", with or without a comment
 */
export function fingerprint(publicKey: string): string {
  const blob = Buffer.from(publicKey.trim().split(/\s+/)[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}
