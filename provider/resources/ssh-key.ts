import { generateKeyPairSync, randomBytes } from "node:crypto";
import { withoutComment } from "../../config/public-key.ts";
import { fingerprint } from "../../deployer/ssh/fingerprint.ts";
import type { Properties, ResourceHandler, Value } from "../framework/types.ts";

/**
 * An ed25519 key pair that lives as long as the resource: a host's lasting key, or a stack's login key.
 *
 * - inputs: `comment`, the last word of the public key. Changing it keeps the key. `generation`: another value makes another key;
 *   taking the value away keeps the key. `reinstall`: the reinstall of its host that is wanted, if any; another one and another generation
 *   in one update are refused.
 * - outputs: `publicKey` (one OpenSSH line), `privateKey` (OpenSSH PEM, secret), `fingerprint` ("SHA256:…"), and, once there was
 *   another generation, `former`: the public keys it had, oldest first.
 */
export const sshKey: ResourceHandler = {
  secretOutputs: ["privateKey"],

  async check(inputs, olds) {
    const failures = Object.keys(inputs)
      .filter((name) => !takes.includes(name))
      .map((property) => ({
        property,
        reason: "an SshKey has no such input; it takes `comment`, `generation` and `reinstall`",
      }));
    if ("comment" in inputs && inputs.comment !== undefined) {
      const reason = commentFault(inputs.comment);
      if (reason) failures.push({ property: "comment", reason });
    }
    const comment = "comment" in inputs ? inputs.comment : "";
    const clash = rotationClash(olds, inputs);
    if (clash) failures.push({ property: "generation", reason: clash });
    // Kept when they are taken away, so that the same value later on is no new one.
    const kept = {
      ...("generation" in olds ? { generation: olds.generation } : {}),
      ...("reinstall" in olds ? { reinstall: olds.reinstall } : {}),
    };
    return { inputs: { ...kept, ...inputs, comment }, failures };
  },

  async preview(inputs, old) {
    if (!old) return inputs;
    const key = isAnother(old, inputs)
      ? { ...unknownKey, former: formerOf(old) }
      : renamed(old, inputs.comment);
    return { ...old, ...inputs, ...key };
  },

  async create(inputs) {
    return { id: randomBytes(8).toString("hex"), outputs: { ...inputs, ...(await newKey(inputs.comment)) } };
  },

  async update(_id, { outputs: old }, inputs) {
    const key = isAnother(old, inputs)
      ? { ...(await newKey(inputs.comment)), former: formerOf(old) }
      : renamed(old, inputs.comment);
    return { ...old, ...inputs, ...key };
  },
};

const takes = ["comment", "generation", "reinstall"];

/**
 * Why a host's key is not made anew while the host is installed anew: the installer would look for a host that has the new key already,
 * and the host has the old one until it is rotated, which comes later. Pure.
 */
export function rotationClash(olds: Properties, news: Properties): string | undefined {
  const changes = (name: string) =>
    news[name] !== undefined && news[name] !== null && news[name] !== olds[name];
  // A key that is being made is nobody's yet.
  if (Object.keys(olds).length === 0 || !changes("generation") || !changes("reinstall")) return undefined;
  return "identity.rotate and reinstall of one host are two updates: take one of the two words back, run pulumi up, then set it again. Nothing was changed";
}

/** Whether the key to be is not the one there is; a generation that is not known yet may be another one. */
const isAnother = (old: Properties, inputs: Properties): boolean =>
  "generation" in inputs && (inputs.generation === undefined || inputs.generation !== old.generation);

const formerOf = ({ former, publicKey }: Properties): Value => [
  ...(Array.isArray(former) ? former : []),
  publicKey,
];

const unknownKey = { publicKey: undefined, privateKey: undefined, fingerprint: undefined };

async function newKey(comment: Value): Promise<Properties> {
  // Loaded here alone: of most keys nothing but their comment is ever asked again.
  const { default: sshpk } = await import("sshpk");
  const text = String(comment ?? "");
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = sshpk.parsePrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }), "pkcs8");
  key.comment = text;
  const publicKey = withoutComment(key.toPublic().toString("ssh"));
  return {
    comment: text,
    publicKey: line(publicKey, text),
    privateKey: key.toString("openssh"),
    fingerprint: fingerprint(publicKey),
  };
}

/** What a comment changes: the two words of the key stay. The private key's own comment is left as it was made. */
function renamed(old: Properties, comment: Value): Properties {
  if (comment === undefined) return { comment, publicKey: undefined };
  return { comment, publicKey: line(withoutComment(String(old.publicKey)), String(comment)) };
}

function line(publicKey: string, comment: string): string {
  return comment ? `${publicKey} ${comment}` : publicKey;
}

function commentFault(comment: unknown): string | undefined {
  if (typeof comment !== "string") return `a text is needed, this is ${JSON.stringify(comment)}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what would break the one line.
  if (/[\u0000-\u001f\u007f]/.test(comment))
    return "a comment is part of one line: no line breaks or control characters";
  return undefined;
}
