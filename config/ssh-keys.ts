import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type { LoginKeyPlan } from "./plan.ts";
import type { Problem } from "./problems.ts";
import type { RegisteredKey } from "./running.ts";
import type { StackConfig } from "./stack.ts";

/** Loaded where a key is written out, which few stacks do: it takes as long as much of the rest. */
const sshpk = (): typeof import("sshpk") => createRequire(import.meta.url)("sshpk");

/** The label of everything a stack orders; its value is the stack's name. */
export const stackLabel = "berth-stack";

const publicKey =
  /^(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa|sk-[a-z0-9@.-]+)\s+([A-Za-z0-9+/]+=*)(?:\s+(.*))?$/;

/** A public key taken apart; undefined when the text is none. */
function readPublicKey(text: string): { key: string; comment: string; fingerprint: string } | undefined {
  const [, type = "", data = "", comment = ""] = publicKey.exec(text.trim()) ?? [];
  const blob = Buffer.from(data, "base64");
  // The data begins with the length and the name of its type.
  const named = blob.length > 4 + type.length && blob.readUInt32BE(0) === type.length;
  if (type === "" || !named || blob.toString("latin1", 4, 4 + type.length) !== type) return undefined;
  // sshpk knows all types but those of security keys.
  if (!type.startsWith("sk-") && !parses(`${type} ${data}`)) return undefined;
  const digest = createHash("md5").update(blob).digest("hex");
  return { key: `${type} ${data}`, comment: comment.trim(), fingerprint: digest.replace(/..(?=.)/g, "$&:") };
}

function parses(key: string): boolean {
  try {
    sshpk().parseKey(key, "ssh");
    return true;
  } catch {
    return false;
  }
}

export interface LoginKeys {
  /** By fingerprint. */
  keys: Record<string, LoginKeyPlan>;
  /** Fingerprints by host. */
  byHost: Record<string, string[]>;
  problems: Problem[];
  notes: string[];
}

/**
 * Which keys to register and which to use as they are: Hetzner allows a fingerprint once a project, whoever registered it.
 * A key this stack has registered stays its own as long as it is named.
 * @param registered the project's keys; null when nobody could ask: then names are taken on trust
 */
export function planLoginKeys(
  stack: string,
  config: Pick<StackConfig, "hosts">,
  registered: readonly RegisteredKey[] | null,
): LoginKeys {
  const plan: LoginKeys = { keys: {}, byHost: {}, problems: [], notes: [] };
  for (const [host, { server }] of Object.entries(config.hosts)) {
    const prints = new Set<string>();
    for (const [index, text] of (server?.sshKeys ?? []).entries()) {
      const path = `berth:hosts.${host}.server.sshKeys.${index}`;
      const found = planKey(stack, path, text, registered);
      if ("fingerprint" in found) {
        prints.add(found.fingerprint);
        plan.keys[found.fingerprint] = found.key;
      } else if ("note" in found) plan.notes.push(found.note);
      else plan.problems.push(found);
    }
    plan.byHost[host] = [...prints];
  }
  return plan;
}

function planKey(
  stack: string,
  path: string,
  text: string,
  registered: readonly RegisteredKey[] | null,
): { fingerprint: string; key: LoginKeyPlan } | { note: string } | Problem {
  const written = readPublicKey(text);
  if (!written && /\s/.test(text.trim())) {
    return {
      path,
      message: `"${shortened(text)}" is neither a public key in OpenSSH's one-line form nor the name of a key`,
      example: "ssh-ed25519 AAAA… ada@example.org",
    };
  }
  const there = registered?.find(({ name, fingerprint }) =>
    written ? fingerprint === written.fingerprint : name === text,
  );
  if (there) return { fingerprint: there.fingerprint, key: ours(stack, there, written?.comment) };
  if (written) {
    return {
      fingerprint: written.fingerprint,
      key: { name: keyName(stack, written.fingerprint, written.comment), publicKey: written.key },
    };
  }
  if (registered === null)
    return { note: `${path}: whether Hetzner has a key "${text}" is checked with a token` };
  const names = registered.map(({ name }) => name);
  return {
    path,
    message: `Hetzner has no ssh key named "${text}"; it has ${names.length === 0 ? "none" : names.join(", ")}`,
    example: names[0] ?? "ssh-ed25519 AAAA… ada@example.org",
  };
}

/** One that this stack has registered stays registered by it, or it would be deleted under the hosts that use it. */
function ours(stack: string, there: RegisteredKey, comment: string | undefined): LoginKeyPlan {
  const key = readPublicKey(there.publicKey);
  if (there.labels[stackLabel] !== stack || !key) return { id: there.id };
  return {
    name: comment === undefined ? there.name : keyName(stack, there.fingerprint, comment),
    publicKey: key.key,
  };
}

/** E.g. "prod ada@example.org 3f:2a:9c": people find it by the comment, and the fingerprint makes it the only one. */
function keyName(stack: string, fingerprint: string, comment: string): string {
  const short = fingerprint.slice(0, 8);
  return comment === "" ? `${stack} ${short}` : `${stack} ${comment.slice(0, 40)} ${short}`;
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
