import { relativeName, rrsetNameProblem } from "./dns-names.ts";
import { DnsTextError, type Entry, entriesOf, type Word } from "./dns-text.ts";
import { isRrsetType, type RrsetType, valueProblem } from "./dns-values.ts";
import { neighbourProblem } from "./rrset-rules.ts";
import { nameservers, type RrsetFields } from "./zone-records.ts";

/** What a zone file says. */
export interface ZoneFile {
  /** Of its `$TTL`; null without one. */
  ttl: number | null;
  rrsets: RrsetFields[];
}

const minTtl = 60;
const maxTtl = 2_147_483_647;
const unit: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Reads a master file in BIND's form for a zone. Only class IN, only the types the API has, with an SOA and the assigned name servers.
 * Throws `DnsTextError` with the line.
 */
export function parseZoneFile(text: string, zone: string): ZoneFile {
  const sets = new Map<string, RrsetFields>();
  let ttl: number | null = null;
  let owner: string | undefined;
  for (const entry of entriesOf(text)) {
    const [first = "", ...rest] = entry.words.map((word) => word.text);
    if (first.startsWith("$")) {
      if (first.toUpperCase() === "$TTL") ttl = ttlOf(entry, rest[0]);
      else ensureOrigin(entry, first, rest[0], zone);
      continue;
    }
    const words = [...entry.words];
    if (!entry.indented) {
      owner = ownerOf(entry, words.shift()?.text ?? "", zone);
    }
    if (owner === undefined) {
      throw new DnsTextError(entry.line, "the first record has no name");
    }
    addRecord(sets, entry, { name: owner, ...recordOf(entry, words, zone) });
  }
  const rrsets = [...sets.values()];
  ensureComplete(rrsets);
  return { ttl, rrsets };
}

function ensureOrigin(entry: Entry, directive: string, origin: string | undefined, zone: string): void {
  if (directive.toUpperCase() !== "$ORIGIN") {
    throw new DnsTextError(entry.line, `${directive} is not supported`);
  }
  if (origin?.toLowerCase() !== `${zone}.`) {
    throw new DnsTextError(entry.line, `$ORIGIN must be '${zone}.'`);
  }
}

function ownerOf(entry: Entry, text: string, zone: string): string {
  const name = text.endsWith(".") ? relativeName(text, zone) : text.toLowerCase();
  if (name === undefined) {
    throw new DnsTextError(entry.line, `'${text}' is outside the zone`);
  }
  const problem = rrsetNameProblem(name, zone);
  if (problem !== undefined) {
    throw new DnsTextError(entry.line, `'${text}' ${problem}`);
  }
  return name;
}

type ReadRecord = { name: string; type: RrsetType; ttl: number | null; value: string };

/** TTL and class come in any order before the type. */
function recordOf(entry: Entry, words: Word[], zone: string): Omit<ReadRecord, "name"> {
  let ttl: number | null = null;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const upper = word.text.toUpperCase();
    if (isRrsetType(upper)) {
      const value = words.map((each) => each.text).join(" ");
      const problem = valueProblem(upper, value, zone);
      if (problem !== undefined) throw new DnsTextError(entry.line, `${upper}: ${problem}`);
      return { type: upper, ttl, value };
    }
    if (["CH", "HS", "CS"].includes(upper)) {
      throw new DnsTextError(entry.line, `class ${upper} is not supported, only IN`);
    }
    if (upper !== "IN" && !/^\d/.test(upper)) {
      throw new DnsTextError(entry.line, `record type ${upper} is not supported`);
    }
    if (upper !== "IN") ttl = ttlOf(entry, word.text);
  }
  throw new DnsTextError(entry.line, "the record has no type");
}

function addRecord(sets: Map<string, RrsetFields>, entry: Entry, { value, ...read }: ReadRecord): void {
  const problem = neighbourProblem(read, [...sets.values()]);
  if (problem !== undefined) throw new DnsTextError(entry.line, problem);
  const key = `${read.name}/${read.type}`;
  const set = sets.get(key) ?? { ...read, labels: {}, records: [] };
  if (set.ttl !== read.ttl) {
    throw new DnsTextError(entry.line, `the records of ${key} must have the same TTL`);
  }
  if (set.records.some((record) => record.value === value)) {
    throw new DnsTextError(entry.line, `${key} has '${value}' twice`);
  }
  if (set.records.length > 0 && (read.type === "CNAME" || read.type === "SOA")) {
    throw new DnsTextError(entry.line, `a ${read.type} has one record only`);
  }
  if (read.name === "@" && read.type === "CNAME") {
    throw new DnsTextError(entry.line, "the zone itself cannot be a CNAME");
  }
  if (read.name !== "@" && read.type === "SOA") {
    throw new DnsTextError(entry.line, "only the zone itself has an SOA");
  }
  sets.set(key, { ...set, records: [...set.records, { value, comment: "" }] });
}

function ttlOf(entry: Entry, text = ""): number {
  const parts = [...text.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)];
  const total = parts.reduce((sum, [, count, letter]) => sum + Number(count) * (unit[letter || "s"] ?? 1), 0);
  if (!/^(?:\d+[smhdw]?)+$/i.test(text) || total < minTtl || total > maxTtl) {
    throw new DnsTextError(entry.line, `'${text}' is not a TTL from ${minTtl} to ${maxTtl} seconds`);
  }
  return total;
}

function ensureComplete(rrsets: RrsetFields[]): void {
  const apex = (type: RrsetType) => rrsets.find((set) => set.name === "@" && set.type === type);
  if (apex("SOA") === undefined) {
    throw new DnsTextError(1, "there is no SOA record");
  }
  const present = new Set(apex("NS")?.records.map(({ value }) => value.toLowerCase()));
  const missing = nameservers.filter((server) => !present.has(server));
  if (missing.length > 0) {
    throw new DnsTextError(1, `the assigned name servers are not there: ${missing.join(", ")}`);
  }
}

/** The zone as a master file: as users download it, and as the name server reads it. */
export function formatZoneFile(zone: { name: string; ttl: number }, rrsets: readonly RrsetFields[]): string {
  const order = (set: RrsetFields) => (set.type === "SOA" ? 0 : set.name === "@" ? 1 : 2);
  const blocks = [...rrsets]
    .sort((a, b) => order(a) - order(b))
    .map(({ name, type, ttl, records }) =>
      records
        .map(
          ({ value, comment }) =>
            `${[name, "IN", ...(ttl === null ? [] : [ttl]), type, value].join("\t")}${comment === "" ? "" : ` ; ${comment}`}\n`,
        )
        .join(""),
    );
  return [`$ORIGIN\t${zone.name}.\n$TTL\t${zone.ttl}\n`, ...blocks].join("\n");
}
