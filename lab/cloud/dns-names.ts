import { parse } from "tldts";

const maxName = 253;
const zoneLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Owners may be service names ("_acme-challenge") and parts of reverse zones ("0/25"). */
const ownerLabel = /^[a-z0-9_](?:[a-z0-9_/-]{0,61}[a-z0-9_])?$/;
/** What a value may point to: also in capitals, and with characters after a backslash. */
const targetLabel = /^(?:[a-zA-Z0-9_/*-]|\\\d{3}|\\[^\d\s])+$/;

/** What is wrong with the name of a new zone, or undefined: a name directly below a public suffix, in lower case. */
export function zoneNameProblem(name: string): string | undefined {
  if (name.length > maxName || !name.split(".").every((label) => zoneLabel.test(label))) {
    return "must be a domain name in lower case, without an ending dot; international names as xn--…";
  }
  const { domain, isIcann } = parse(name);
  if (domain === null || !isIcann || name.endsWith(".arpa")) {
    return "must be a name below a well-known public suffix such as .com or .co.uk";
  }
  return domain === name ? undefined : `subdomains are not supported; use '${domain}'`;
}

/** What is wrong with the name of a record set, relative to its zone, or undefined. `@` is the zone itself. */
export function rrsetNameProblem(name: string, zone: string): string | undefined {
  if (name === "@") {
    return undefined;
  }
  if (name.endsWith(".")) {
    return "must not end with a dot";
  }
  if (name === zone || name.endsWith(`.${zone}`)) {
    return `must not end with the name of the zone; use '${relativeName(`${name}.`, zone)}'`;
  }
  const [first = "", ...rest] = name.split(".");
  if (!(first === "*" || ownerLabel.test(first)) || !rest.every((label) => ownerLabel.test(label))) {
    return "must be a name in lower case, '@' for the zone itself, or start with '*.'; other alphabets as xn--…";
  }
  return name.length + 1 + zone.length > maxName ? "is too long" : undefined;
}

/** What is wrong with a name that a value points to, or undefined: relative to the zone, or complete with an ending dot. */
export function targetProblem(name: string, zone: string): string | undefined {
  if (name === "@" || name === ".") {
    return undefined;
  }
  const labels = name.replace(/\.$/, "").split(/(?<!\\)\./);
  if (!labels.every((label) => targetLabel.test(label) && unescaped(label) <= 63)) {
    return `'${name}' is not a domain name`;
  }
  return unescaped(fullName(name, zone)) > maxName + 1 ? `'${name}' is too long` : undefined;
}

function unescaped(text: string): number {
  return text.replaceAll(/\\(\d{3}|.)/g, "x").length;
}

/** "www" in example.com → "www.example.com."; what ends with a dot is complete. */
export function fullName(name: string, zone: string): string {
  if (name === "@") return `${zone}.`;
  return name.endsWith(".") ? name : `${name}.${zone}.`;
}

/** "www.example.com." in example.com → "www"; undefined outside the zone. */
export function relativeName(full: string, zone: string): string | undefined {
  const name = full.toLowerCase();
  if (name === `${zone}.`) return "@";
  return name.endsWith(`.${zone}.`) ? name.slice(0, -(zone.length + 2)) : undefined;
}
