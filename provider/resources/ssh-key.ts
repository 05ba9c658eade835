import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import sshpk from "sshpk";
import type { Properties, ResourceHandler } from "../framework/types.ts";

/**
 * An ed25519 key pair that lives as long as the resource: a host's lasting key, or a stack's login key.
 *
 * - inputs: `comment`, the last word of the public key. Changing it keeps the key.
 * - outputs: `publicKey` (one OpenSSH line), `privateKey` (OpenSSH PEM, secret), `fingerprint` ("SHA256:…").
 */
export const sshKey: ResourceHandler = {
  secretOutputs: ["privateKey"],

  async check(inputs) {
    const failures = Object.keys(inputs)
      .filter((name) => name !== "comment")
      .map((property) => ({ property, reason: "an SshKey has no such input; it takes `comment` alone" }));
    if ("comment" in inputs && inputs.comment !== undefined) {
      const reason = commentFault(inputs.comment);
      if (reason) failures.push({ property: "comment", reason });
    }
    return { inputs: { ...inputs, comment: "comment" in inputs ? inputs.comment : "" }, failures };
  },

  async preview(inputs, old) {
    if (!old) return { comment: inputs.comment };
    return { ...old, ...described(old, inputs.comment) };
  },

  async create(inputs) {
    const comment = String(inputs.comment ?? "");
    const { privateKey } = generateKeyPairSync("ed25519");
    const key = sshpk.parsePrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }), "pkcs8");
    key.comment = comment;
    const publicKey = key.toPublic().toString("ssh").split(" ").slice(0, 2).join(" ");
    return {
      id: randomBytes(8).toString("hex"),
      outputs: {
        comment,
        publicKey: line(publicKey, comment),
        privateKey: key.toString("openssh"),
        fingerprint: fingerprint(publicKey),
      },
    };
  },

  async update(_id, olds, news) {
    return { ...olds.outputs, ...described(olds.outputs, news.comment) };
  },
};

/** What a comment changes: the two words of the key stay. The private key's own comment is left as it was made. */
function described(old: Properties, comment: Properties[string]): Properties {
  if (comment === undefined) return { comment, publicKey: undefined };
  const key = String(old.publicKey).split(" ").slice(0, 2).join(" ");
  return { comment, publicKey: line(key, String(comment)) };
}

function line(publicKey: string, comment: string): string {
  return comment ? `${publicKey} ${comment}` : publicKey;
}

/** As ssh-keygen prints it: the SHA-256 of the key's blob in unpadded base64. */
function fingerprint(publicKey: string): string {
  const blob = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function commentFault(comment: unknown): string | undefined {
  if (typeof comment !== "string") return `a text is needed, this is ${JSON.stringify(comment)}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what would break the one line.
  if (/[\u0000-\u001f\u007f]/.test(comment))
    return "a comment is part of one line: no line breaks or control characters";
  return undefined;
}
