import { isIPv4, isIPv6 } from "node:net";
import type { HostPlan } from "./plan.ts";
import type { LoadBalancerConfig, StackConfig, ZoneConfig } from "./stack.ts";

/** Whose public addresses a record has, once they are known. */
export type AddressOf = { host: string } | { loadBalancer: string };

/** All records of one name and type. */
export interface DnsRecordPlan {
  /** Relative to the zone: "www", "@", "*". */
  name: string;
  type: string;
  /** Seconds; null for the zone's. */
  ttl: number | null;
  /** As in a zone file; texts are quoted. */
  values: string[];
  /** A and AAAA records that follow from hosts and load balancers have addresses in place of values. */
  addresses: AddressOf[];
}

export interface DnsZonePlan {
  /** Whether this stack makes the zone. */
  create: boolean;
  /** Seconds. */
  ttl: number;
  records: DnsRecordPlan[];
}

/** The zone a name lies in: the longest one, as resolvers see it. */
export function zoneOf(name: string, zones: readonly string[]): string | undefined {
  return zones
    .filter((zone) => name === zone || name.endsWith(`.${zone}`))
    .sort((a, b) => b.length - a.length)[0];
}

/** A name as a zone writes it: "@", "www", "*.shop". */
export const relativeTo = (zone: string, name: string): string =>
  name === zone ? "@" : name.slice(0, -zone.length - 1);

/** The whole name of a record, e.g. "*.example.org". */
export const nameIn = (zone: string, relative: string): string =>
  relative === "@" ? zone : `${relative}.${zone}`;

/** Whether a name, or a wildcard one level above it, is among those a web server answers to. */
export function serves(names: readonly string[], wanted: string): boolean {
  const above = wanted.slice(wanted.indexOf("."));
  return names.some((name) => name === wanted || (name.startsWith("*.") && name.slice(1) === above));
}

type NamedHost = Pick<HostPlan, "name" | "settings" | "manifest">;
type Family = "A" | "AAAA";

/** The families a host has a public address of. */
function familiesOf({ settings: { server, existing } }: Pick<HostPlan, "settings">): Family[] {
  if (server) return [...(server.ipv4 ? ["A" as const] : []), ...(server.ipv6 ? ["AAAA" as const] : [])];
  const addresses = [existing?.address, existing?.ipv6].filter((address) => address !== undefined);
  return [
    ...(addresses.some((address) => isIPv4(address)) ? ["A" as const] : []),
    ...(addresses.some((address) => isIPv6(address)) ? ["AAAA" as const] : []),
  ];
}

/**
 * The records that nobody has to write: addresses of the names that hosts and load balancers answer to, and who may issue certificates.
 * A name of a load balancer leads there and not to the hosts behind it; a name of several hosts has the addresses of all.
 */
export function derivedRecords(
  config: Pick<StackConfig, "dns" | "loadBalancers">,
  hosts: readonly NamedHost[],
): Record<string, DnsRecordPlan[]> {
  const zones = Object.keys(config.dns);
  const records: Record<string, DnsRecordPlan[]> = Object.fromEntries(
    Object.entries(config.dns).map(([zone, settings]) => [zone, authorities(settings)]),
  );
  const lead = (name: string, type: Family, to: AddressOf): void => {
    const zone = zoneOf(name, zones);
    const list = zone === undefined ? undefined : records[zone];
    if (zone === undefined || list === undefined) return;
    const relative = relativeTo(zone, name);
    const found = list.find((record) => record.name === relative && record.type === type);
    if (found) found.addresses.push(to);
    else list.push({ name: relative, type, ttl: null, values: [], addresses: [to] });
  };
  const balanced = new Set<string>();
  for (const [loadBalancer, { domains }] of Object.entries(config.loadBalancers)) {
    for (const name of new Set(domains)) {
      balanced.add(name);
      for (const type of ["A", "AAAA"] as const) lead(name, type, { loadBalancer });
    }
  }
  for (const host of hosts) {
    const names = new Set(host.manifest.virtualHosts.map(({ name }) => name));
    for (const name of names) {
      if (balanced.has(name)) continue;
      for (const type of familiesOf(host)) lead(name, type, { host: host.name });
    }
  }
  return records;
}

function authorities({ certificateAuthorities }: ZoneConfig): DnsRecordPlan[] {
  if (certificateAuthorities.length === 0) return [];
  const values = [...new Set(certificateAuthorities)].map((authority) => `0 issue "${authority}"`);
  return [{ name: "@", type: "CAA", ttl: null, values, addresses: [] }];
}

/** All zones with the records of the configuration and those that follow. */
export function planDns(
  config: Pick<StackConfig, "dns" | "loadBalancers">,
  hosts: readonly NamedHost[],
): Record<string, DnsZonePlan> {
  const derived = derivedRecords(config, hosts);
  return Object.fromEntries(
    Object.entries(config.dns).map(([zone, { create, ttl, records }]) => {
      const written = records.map(
        ({ name, type, values, ttl: own }): DnsRecordPlan => ({
          name,
          type,
          ttl: own ?? null,
          values: type === "TXT" ? values.map(quotedText) : values,
          addresses: [],
        }),
      );
      return [zone, { create, ttl, records: [...written, ...(derived[zone] ?? [])] }];
    }),
  );
}

const quoted = /^"(?:[^"\\]|\\.)*"(?:\s+"(?:[^"\\]|\\.)*")*$/;
/** A character string of a text record has at most 255 bytes. */
const chunkBytes = 255;

/** A text as a zone file has it: in quotes, long ones in several strings. A text in quotes stays as it is. */
function quotedText(text: string): string {
  if (quoted.test(text)) return text;
  const chunks: string[] = [""];
  let bytes = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (bytes + size > chunkBytes) {
      chunks.push("");
      bytes = 0;
    }
    chunks[chunks.length - 1] += character;
    bytes += size;
  }
  return chunks.map((chunk) => `"${chunk.replace(/["\\]/g, "\\$&")}"`).join(" ");
}

/** The services of a load balancer that need a certificate. */
export const needsCertificate = ({ services }: LoadBalancerConfig): boolean =>
  services.some(({ protocol }) => protocol === "https");
