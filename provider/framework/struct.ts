import type { Properties, Value } from "./types.ts";

/**
 * The engine's property values as plain JavaScript, both ways. Pure.
 *
 * What arrives wrapped, and what becomes of it:
 * - secrets are unwrapped, and their paths are remembered so that the answer can wrap them again;
 * - unknowns become `undefined`;
 * - output values are flattened to their value (we do not ask for them, so they should not come);
 * - assets, archives and resource references are carried through as the objects they are: no resource of ours reads
 *   them, but a `triggers` list may hold one, and it must compare equal to itself;
 * - any other signature is refused, since its meaning is not known.
 */

/** The key that marks an object as more than an object. */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const CARRIED: Record<string, string> = {
  c44067f5952c0a294b673a41bacd8c17: "asset",
  "0def7320c3a5731c473e5ecbe6d01bc7": "archive",
  "5cf8f73096256a8f31e491e813e4eb8e": "resource reference",
};
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** One sentinel a type; the string's is the one the engine sends today. */
const UNKNOWNS = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

export type Path = readonly (string | number)[];

export interface Decoded {
  properties: Properties;
  /** Where secrets were. */
  secrets: Path[];
  /** Whether anything was unknown. */
  unknowns: boolean;
}

/** Reads properties as the engine sends them. Throws on a signature it does not know. */
export function decode(wire: Record<string, unknown>): Decoded {
  const found: Decoded = { properties: {}, secrets: [], unknowns: false };
  found.properties = decodeObject(wire, [], found);
  return found;
}

function decodeObject(wire: object, path: Path, found: Decoded): Properties {
  return Object.fromEntries(
    Object.entries(wire).map(([key, value]) => [key, decodeValue(value, [...path, key], found)]),
  );
}

function decodeValue(wire: unknown, path: Path, found: Decoded): Value {
  if (typeof wire === "string" && UNKNOWNS.has(wire)) {
    found.unknowns = true;
    return undefined;
  }
  if (wire === null || typeof wire === "boolean" || typeof wire === "number" || typeof wire === "string")
    return wire;
  if (Array.isArray(wire)) return wire.map((element, index) => decodeValue(element, [...path, index], found));
  if (typeof wire !== "object") throw new Error(`${path.join(".")}: a ${typeof wire} is no property value`);
  if (!(SIGNATURE in wire)) return decodeObject(wire, path, found);

  const signature = String(wire[SIGNATURE]);
  if (signature === SECRET) {
    found.secrets.push(path);
    return decodeValue("value" in wire ? wire.value : null, path, found);
  }
  if (signature === OUTPUT) {
    if ("secret" in wire && wire.secret === true) found.secrets.push(path);
    return decodeValue("value" in wire ? wire.value : UNKNOWN, path, found);
  }
  if (signature in CARRIED) return decodeObject(wire, path, found);
  throw new Error(
    `${path.join(".")}: a value of a kind this provider does not know (signature ${signature})`,
  );
}

export interface Encoding {
  /** Paths to wrap as secrets. A path that is not there any more makes the whole top-level property secret. */
  secrets?: readonly Path[];
  /** Top-level names that are secret whatever they hold. */
  secretNames?: readonly string[];
  /** What `undefined` means: an unknown value (true), or no value at all (false, default). */
  unknowns?: boolean;
}

/** Writes properties as the engine reads them: no `undefined` anywhere, secrets wrapped. */
export function encode(properties: Properties, encoding: Encoding = {}): Record<string, unknown> {
  const encoded: [string, unknown][] = [];
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined && !encoding.unknowns) continue;
    const paths = (encoding.secrets ?? []).filter((path) => path[0] === name);
    const whole = encoding.secretNames?.includes(name) || paths.some((path) => !has(properties, path));
    encoded.push([name, encodeValue(value, [name], whole ? [[name]] : paths, encoding.unknowns ?? false)]);
  }
  return Object.fromEntries(encoded);
}

function encodeValue(value: Value, path: Path, secrets: readonly Path[], unknowns: boolean): unknown {
  if (secrets.some((secret) => secret.length === path.length))
    return { [SIGNATURE]: SECRET, value: encodeValue(value, path, [], unknowns) };
  const below = (key: string | number) => secrets.filter((secret) => secret[path.length] === key);
  if (value === undefined) return unknowns ? UNKNOWN : null;
  if (Array.isArray(value))
    return value.map((element, index) => encodeValue(element, [...path, index], below(index), unknowns));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, element]) => element !== undefined || unknowns)
      .map(([key, element]) => [key, encodeValue(element, [...path, key], below(key), unknowns)]),
  );
}

function has(value: Value, path: Path): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return true;
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return false;
  return has((value as Record<string | number, Value>)[key], rest);
}
