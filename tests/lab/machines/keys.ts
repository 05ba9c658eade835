import { generateKeyPairSync } from "node:crypto";
import sshpk from "sshpk";

/** An ed25519 key pair in OpenSSH form. */
export interface KeyPair {
  privateKey: string;
  publicKey: string;
}

export function newKeyPair(comment: string): KeyPair {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const key = sshpk.parsePrivateKey(pem, "pem");
  key.comment = comment;
  return { privateKey: key.toString("ssh"), publicKey: key.toPublic().toString("ssh") };
}

/** cloud-init user data that gives a machine its host key, as Berth's does. */
export function hostKeyUserData({ privateKey, publicKey }: KeyPair): string {
  const keys = { ed25519_private: privateKey, ed25519_public: publicKey };
  return `#cloud-config\n${JSON.stringify({ ssh_deletekeys: true, ssh_keys: keys })}\n`;
}
