import { createHash } from "node:crypto";
import { keyBytes } from "../../config/public-key.ts";

/**
 * A public key's fingerprint as `ssh-keygen -l` prints it: "SHA256:…".
 * @param publicKey "ssh-ed25519 AAAA…", with or without a comment
 */
export function fingerprint(publicKey: string): string {
  const digest = createHash("sha256").update(keyBytes(publicKey)).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}
