import { saltedDigest } from "../../deployer/secrets/credentials.ts";
import type { SecretUse } from "./uses.ts";

/** What lies on a host: hashes of contents behind a salt that is good for one question. */
export type OnHost =
  | { salt: string; credentials: readonly { service: string; name: string; digest: string }[] }
  | { error: string };

export type SecretState =
  /** The host has what the stack has. */
  | "the same"
  /** It has something else: the secret was set after the last update. */
  | "changed"
  /** It has none. */
  | "not there"
  /** It has what the configuration does not send there. */
  | "not in the stack"
  | "not reached"
  | "not installed yet"
  /** The stack has no such secret. */
  | "not set"
  /** Nothing uses it. */
  | "not used"
  /** Only hosts are looked at. */
  | "not looked at";

/** One line of `berth secrets`. A value is in none. */
export interface SecretItem {
  /** Null for what lies on a host and is not the stack's. */
  secret: string | null;
  where: string;
  state: SecretState;
}

/** What differs between the stack and its hosts: these need somebody, or an update. */
const wrong: readonly SecretState[] = ["changed", "not there", "not in the stack", "not reached", "not set"];
export const isWrong = ({ state }: SecretItem): boolean => wrong.includes(state);

/**
 * Every secret with where it goes and whether it is there. Pure.
 * @param values contents by name
 * @param seen what was found, by host; hosts without are not installed
 */
export function compareSecrets(
  values: Readonly<Record<string, string>>,
  uses: readonly SecretUse[],
  seen: Readonly<Record<string, OnHost>>,
): SecretItem[] {
  const used = uses.map(({ secret, where, credential }): SecretItem => {
    const value = Object.hasOwn(values, secret) ? values[secret] : undefined;
    if (value === undefined) return { secret, where, state: "not set" };
    return { secret, where, state: credential ? stateOf(value, credential, seen) : "not looked at" };
  });
  const idle = Object.keys(values)
    .filter((name) => !uses.some(({ secret }) => secret === name))
    .map((secret): SecretItem => ({ secret, where: "", state: "not used" }));
  const strange = Object.entries(seen).flatMap(([host, found]) =>
    "error" in found
      ? []
      : found.credentials
          .filter(
            ({ service, name }) =>
              !uses.some(
                ({ credential: own }) => own?.host === host && own.service === service && own.name === name,
              ),
          )
          .map(
            ({ service, name }): SecretItem => ({
              secret: null,
              where: `${host}: ${service}, ${name}`,
              state: "not in the stack",
            }),
          ),
  );
  return [...used, ...idle, ...strange];
}

function stateOf(
  value: string,
  { host, service, name }: NonNullable<SecretUse["credential"]>,
  seen: Readonly<Record<string, OnHost>>,
): SecretState {
  const found = seen[host];
  if (!found) return "not installed yet";
  if ("error" in found) return "not reached";
  const there = found.credentials.find((one) => one.service === service && one.name === name);
  if (!there) return "not there";
  return there.digest === saltedDigest(found.salt, value) ? "the same" : "changed";
}
