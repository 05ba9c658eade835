import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { publicKeys } from "../cloud/client.ts";

/** Puts an SSH key, `key.pub`, and a certificate for example.org, `tls.pem` and `tls.key`, into a folder. */
export function writeKeys(folder: string): void {
  writeFileSync(join(folder, "key.pub"), `${publicKeys[0]}\n`);
  const openssl = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=example.org"],
    ...["-addext", "subjectAltName=DNS:example.org"],
    ...["-keyout", join(folder, "tls.key"), "-out", join(folder, "tls.pem")],
  ]);
  if (openssl.status !== 0) throw new Error(`openssl made no certificate: ${String(openssl.stderr)}`);
}
