import type { RrsetType } from "./dns-values.ts";
import { ApiError } from "./errors.ts";
import type { Labels } from "./labels.ts";
import type { Collection, Item, Store } from "./store.ts";

/** A server that a secondary zone is transferred from. */
export interface PrimaryNameserver {
  address: string;
  port: number;
  tsig_key?: string;
  tsig_algorithm?: "hmac-md5" | "hmac-sha1" | "hmac-sha256";
}

export interface ZoneRecord extends Item {
  /** Without an ending dot. */
  name: string;
  mode: "primary" | "secondary";
  /** Seconds; for record sets without one of their own. */
  ttl: number;
  labels: Labels;
  protection: { delete: boolean };
  primary_nameservers: PrimaryNameserver[];
}

export interface DnsRecord {
  value: string;
  comment: string;
}

export interface RrsetRecord extends Item {
  zone: number;
  /** Relative to the zone; "@" is the zone itself. */
  name: string;
  type: RrsetType;
  /** Seconds; null takes the zone's. */
  ttl: number | null;
  labels: Labels;
  protection: { change: boolean };
  records: DnsRecord[];
}

export const zoneRecords = (store: Store): Collection<ZoneRecord> => store.collection("zones");
export const rrsetRecords = (store: Store): Collection<RrsetRecord> => store.collection("rrsets");

export function rrsetsOf(store: Store, zone: Pick<ZoneRecord, "id">): RrsetRecord[] {
  return rrsetRecords(store)
    .all()
    .filter((rrset) => rrset.zone === zone.id);
}

/** What every zone is served by. */
export const nameservers = ["hydrogen.ns.hetzner.com.", "oxygen.ns.hetzner.com.", "helium.ns.hetzner.de."];

/** A record set without what the store adds. */
export type RrsetFields = Pick<RrsetRecord, "name" | "type" | "ttl" | "labels" | "records">;

/** The sets every primary zone has without being asked. */
export function automaticRrsets(now: Date): RrsetFields[] {
  const set = (type: RrsetType, values: string[]): RrsetFields => ({
    name: "@",
    type,
    ttl: null,
    labels: {},
    records: values.map((value) => ({ value, comment: "" })),
  });
  return [
    set("SOA", [`${nameservers[0]} dns.hetzner.com. ${nextSerial(undefined, now)} 86400 10800 3600000 3600`]),
    set("NS", nameservers),
  ];
}

/** The serial after another: YYYYMMDDnn of today, or one more when that is not higher. */
export function nextSerial(last: number | undefined, now: Date): number {
  const today = Number(`${now.toISOString().slice(0, 10).replaceAll("-", "")}00`);
  return last === undefined || last < today ? today : last + 1;
}

/** The value of an SOA record with another serial; the name servers do not take one from users. */
export function withSerial(soa: string, serial: number): string {
  return soa.replace(/^(\s*\S+\s+\S+\s+)\S+/, `$1${serial}`);
}

export function serialOf(soa: string): number {
  return Number(soa.trim().split(/\s+/)[2]);
}

/** Counts the serial of a zone up, as every change of its records does. */
export function countUp(store: Store, zone: ZoneRecord, now: Date): void {
  const soa = rrsetsOf(store, zone).find(({ type }) => type === "SOA");
  const [record] = soa?.records ?? [];
  if (soa !== undefined && record !== undefined) {
    const serial = nextSerial(serialOf(record.value), now);
    rrsetRecords(store).change(soa, {
      records: [{ ...record, value: withSerial(record.value, serial) }],
    });
  }
}

/** Throws 422 `incorrect_zone_mode` when the zone is not managed here, or is. */
export function ensureMode(zone: ZoneRecord, mode: ZoneRecord["mode"]): void {
  if (zone.mode !== mode) {
    throw new ApiError(
      "incorrect_zone_mode",
      `zone '${zone.name}' is in ${zone.mode} mode, which does not support this`,
    );
  }
}
