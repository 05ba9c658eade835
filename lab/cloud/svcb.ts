import { bytesOf, type Word } from "./dns-text.ts";
import { parseAddress } from "./ip.ts";

/** Parameters of SVCB and HTTPS records (RFC 9460), with what their values must be. */
const parameters: Record<string, (value: string | undefined) => string | undefined> = {
  mandatory: list("keys", (key) => isKey(key) && key !== "mandatory"),
  alpn: list("protocols", (protocol) => protocol !== "" && protocol.length <= 255),
  "no-default-alpn": (value) => (value === undefined ? undefined : "takes no value"),
  port: (value) =>
    value !== undefined && /^\d{1,5}$/.test(value) && Number(value) <= 65_535
      ? undefined
      : "must be a port number",
  ipv4hint: list("IPv4 addresses", (text) => parseAddress(text)?.family === 4),
  ech: (value) =>
    value !== undefined && /^[A-Za-z0-9+/]+={0,2}$/.test(value) ? undefined : "must be in base64",
  ipv6hint: list("IPv6 addresses", (text) => parseAddress(text)?.family === 6),
  dohpath: (value) => (value?.includes("{?dns}") ? undefined : "must be a template with {?dns}"),
  ohttp: (value) => (value === undefined ? undefined : "takes no value"),
};

function list(what: string, fits: (item: string) => boolean): (value?: string) => string | undefined {
  return (value) =>
    value?.split(",").every(fits) ? undefined : `must be a list of ${what}, separated by commas`;
}

function isKey(text: string): boolean {
  return Object.hasOwn(parameters, text) || isNumbered(text);
}

function isNumbered(text: string): boolean {
  return /^key(?:0|[1-9]\d{0,4})$/.test(text) && Number(text.slice(3)) < 65_535;
}

/** What is wrong with the parameters, or undefined. */
export function serviceParameterProblem(words: Word[]): string | undefined {
  const seen = new Map<string, string | undefined>();
  for (const word of words) {
    const [, key = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(word.text) ?? [];
    if (word.quoted || !isKey(key)) return `'${key}' is not a parameter of a service`;
    if (seen.has(key)) return `${key} is there twice`;
    const quoted = value?.startsWith('"') ?? false;
    const bytes = value === undefined ? undefined : bytesOf({ text: value, quoted });
    if (value !== undefined && bytes === undefined) return `${key} has a wrong escape`;
    const problem = parameters[key]?.(bytes?.toString());
    if (problem !== undefined) return `${key} ${problem}`;
    seen.set(key, bytes?.toString());
  }
  const missing = (seen.get("mandatory") ?? "").split(",").find((key) => key !== "" && !seen.has(key));
  if (missing !== undefined) return `${missing} is mandatory but not there`;
  return seen.has("no-default-alpn") && !seen.has("alpn") ? "no-default-alpn needs alpn" : undefined;
}
