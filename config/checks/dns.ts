import { isIPv4, isIPv6 } from "node:net";
import type { DnsRecordPlan } from "../dns.ts";
import { derivedRecords, nameIn, relativeTo, zoneOf } from "../dns.ts";
import type { Problem } from "../problems.ts";
import type { StackConfig } from "../stack.ts";
import { type Context, repeated } from "./context.ts";

const longestName = 253;

/** Zones and records: syntax, place, and that no two say different things of one name. */
export function checkDns(context: Pick<Context, "config" | "hosts">): Problem[] {
  const { config, hosts } = context;
  const derived = derivedRecords(config, hosts);
  return Object.entries(config.dns).flatMap(([zone, settings]) => [
    ...settings.records.flatMap((record, index) => checkRecord(config, zone, index, record)),
    ...checkClashes(zone, settings.records, derived[zone] ?? []),
  ]);
}

type WrittenRecord = StackConfig["dns"][string]["records"][number];
const recordPath = (zone: string, index: number): string => `berth:dns.${zone}.records.${index}`;

function checkRecord(config: StackConfig, zone: string, index: number, record: WrittenRecord): Problem[] {
  const path = recordPath(zone, index);
  const { name, type, values } = record;
  const whole = nameIn(zone, name);
  const problems: Problem[] = [];
  const owner = zoneOf(whole, Object.keys(config.dns));
  if (name === zone || name.endsWith(`.${zone}`)) {
    problems.push({
      path: `${path}.name`,
      message: `"${name}" is relative to the zone, so it would be ${whole}`,
      example: relativeTo(zone, name),
    });
  } else if (whole.length > longestName) {
    problems.push({
      path: `${path}.name`,
      message: `${whole} has ${whole.length} characters; a name has ${longestName} at most`,
    });
  } else if (owner !== undefined && owner !== zone && type !== "NS") {
    problems.push({
      path: `${path}.name`,
      message: `${whole} lies in berth:dns.${owner}, and nobody would find it here; put it there`,
      example: relativeTo(owner, whole),
    });
  }
  if (name === "@" && (type === "CNAME" || type === "NS")) {
    problems.push({
      path: `${path}.type`,
      message:
        type === "NS"
          ? "the NS records of the zone itself are Hetzner's own"
          : "the zone itself has other records, so it cannot be a CNAME; name addresses by A and AAAA",
    });
  }
  if (type === "CNAME" && values.length > 1)
    problems.push({ path: `${path}.values`, message: `${values.length} values; a CNAME has one` });
  for (const double of repeated(values))
    problems.push({ path: `${path}.values`, message: `"${double}" is there more than once` });
  const syntax = syntaxes[type];
  for (const [at, value] of values.entries()) {
    if (!syntax.fits(value))
      problems.push({
        path: `${path}.values.${at}`,
        message: `"${value}" is not ${syntax.is}`,
        example: syntax.example,
      });
  }
  return problems;
}

const hostName =
  /^(?:(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?|\.)$/i;
const isName = (text: string | undefined): boolean =>
  text !== undefined && text.length <= longestName + 1 && hostName.test(text);
const upTo = (most: number, text: string | undefined): boolean =>
  text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= most;
const words = (text: string): string[] => text.trim().split(/\s+/);

interface Syntax {
  fits: (value: string) => boolean;
  is: string;
  example: string;
}

const service: Syntax = {
  fits: (value) => {
    const [priority, target] = words(value);
    return upTo(65_535, priority) && isName(target);
  },
  is: "a priority and a name, with parameters after",
  example: '1 . alpn="h2"',
};
const aName: Syntax = {
  fits: isName,
  is: "a name; one outside the zone ends with a full stop",
  example: "www.example.com.",
};

/** Each type's values, as a zone file writes them. */
const syntaxes: Record<WrittenRecord["type"], Syntax> = {
  A: { fits: isIPv4, is: "an IPv4 address", example: "203.0.113.7" },
  AAAA: { fits: isIPv6, is: "an IPv6 address", example: "2001:db8::1" },
  CAA: {
    fits: (value) => /^(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]) [a-z0-9]+ "[^"]*"$/.test(value),
    is: "flags, a tag and a value in quotes",
    example: '0 issue "letsencrypt.org"',
  },
  CNAME: aName,
  NS: aName,
  MX: {
    fits: (value) => {
      const [preference, exchange, ...rest] = words(value);
      return upTo(65_535, preference) && isName(exchange) && rest.length === 0;
    },
    is: "a preference and a name",
    example: "10 mail.example.com.",
  },
  SRV: {
    fits: (value) => {
      const [priority, weight, port, target, ...rest] = words(value);
      return (
        [priority, weight, port].every((one) => upTo(65_535, one)) && isName(target) && rest.length === 0
      );
    },
    is: "a priority, a weight, a port and a name",
    example: "0 5 5060 sip.example.com.",
  },
  TXT: {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a text must not have.
    fits: (value) => !/[\u0000-\u001f\u007f]/.test(value) && Buffer.byteLength(value) <= 4096,
    is: "a text without control characters of at most 4096 bytes",
    example: "v=spf1 -all",
  },
  TLSA: {
    fits: (value) => /^[0-3] [01] [0-2] ([0-9a-f]{2})+$/i.test(value.trim()),
    is: "usage, selector, matching type and hexadecimal data",
    example: `3 1 1 ${"ab".repeat(32)}`,
  },
  HTTPS: service,
  SVCB: service,
};

function checkClashes(
  zone: string,
  written: readonly WrittenRecord[],
  derived: readonly DnsRecordPlan[],
): Problem[] {
  const problems: Problem[] = [];
  for (const [index, record] of written.entries()) {
    const path = recordPath(zone, index);
    const whole = nameIn(zone, record.name);
    const before = written.slice(0, index);
    const twin = before.findIndex(({ name, type }) => name === record.name && type === record.type);
    if (twin >= 0) {
      problems.push({
        path,
        message: `${whole} has ${record.type} records in ${recordPath(zone, twin)} already; put all values there`,
      });
      continue;
    }
    const follows = derived.find(({ name, type }) => name === record.name && type === record.type);
    if (follows) {
      problems.push({
        path,
        message: `${whole} ${record.type} follows ${origin(zone, follows)} already; ${wayOut(follows)}`,
      });
      continue;
    }
    const other = before.findIndex(
      ({ name, type }) => name === record.name && (type === "CNAME") !== (record.type === "CNAME"),
    );
    const derivedOther =
      record.type === "CNAME" ? derived.find(({ name }) => name === record.name) : undefined;
    if (other >= 0) {
      problems.push({
        path,
        message: `${whole} cannot have a CNAME beside other records, as ${recordPath(zone, other)} and this would be`,
      });
    } else if (derivedOther && record.name !== "@") {
      problems.push({
        path,
        message: `${whole} cannot be a CNAME beside its ${derivedOther.type} record, which follows ${origin(zone, derivedOther)}; ${wayOut(derivedOther)}`,
      });
    }
  }
  return problems;
}

/** Where a derived record comes from. */
function origin(zone: string, { type, addresses }: DnsRecordPlan): string {
  if (type === "CAA") return `from berth:dns.${zone}.certificateAuthorities`;
  const [first] = addresses;
  if (first && "loadBalancer" in first) return `from berth:loadBalancers.${first.loadBalancer}.domains`;
  const hosts = addresses.flatMap((one) => ("host" in one ? [one.host] : []));
  return `from the virtual hosts of ${hosts.join(", ")} in the flake`;
}

const wayOut = ({ type }: DnsRecordPlan): string =>
  type === "CAA" ? "set that to [] to write your own" : "leave this one out";
