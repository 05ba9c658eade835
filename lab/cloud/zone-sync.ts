import type { LabNetwork, ServerDriver, ZoneSpec } from "./driver.ts";
import { floatingIpRecords } from "./floating-ip-records.ts";
import { loadBalancerRecords } from "./load-balancer-records.ts";
import { type DnsPointer, primaryIpRecords } from "./records.ts";
import { reverseZones } from "./reverse-zones.ts";
import type { Store } from "./store.ts";
import { WholeState } from "./whole-state.ts";
import { formatZoneFile } from "./zone-file.ts";
import {
  countUp,
  nextSerial,
  type RrsetFields,
  rrsetsOf,
  type ZoneRecord,
  zoneRecords,
} from "./zone-records.ts";

const challengeTtl = 60;

/** A text that a certificate authority looks for; not part of what users see. */
interface Challenge {
  zone: number;
  /** Relative to the zone. */
  name: string;
  value: string;
}

export interface ZoneSyncParts {
  store: Store;
  driver: ServerDriver;
  network: LabNetwork;
  now: () => Date;
  log: (line: string) => void;
}

/** Hands the zones, as they are to be served, to the driver. */
export class ZoneSync extends WholeState<ZoneSpec> {
  readonly #parts: ZoneSyncParts;
  readonly #challenges: Challenge[];

  constructor(parts: ZoneSyncParts) {
    const challenges: Challenge[] = [];
    const serialFor = reverseSerial(parts.now);
    super({
      what: "name server",
      wanted: () => {
        const pointers = setPointers(parts.store);
        return [
          ...forwardZones(parts.store, challenges),
          ...reverseZones(parts.network, pointers, serialFor(pointers)),
        ];
      },
      send: (zones) => parts.driver.setZones(zones),
      log: parts.log,
    });
    this.#parts = parts;
    this.#challenges = challenges;
  }

  /** Serves a text beside the zone's own records. Resolves when it is served, with what takes it away again. */
  async challenge(zone: ZoneRecord, name: string, value: string): Promise<() => Promise<void>> {
    const challenge = { zone: zone.id, name, value };
    this.#challenges.push(challenge);
    const serve = () => {
      countUp(this.#parts.store, zone, this.#parts.now());
      return this.push();
    };
    await serve();
    return () => {
      this.#challenges.splice(this.#challenges.indexOf(challenge), 1);
      return serve();
    };
  }
}

function forwardZones(store: Store, challenges: readonly Challenge[]): ZoneSpec[] {
  return zoneRecords(store)
    .all()
    .filter(({ mode }) => mode === "primary")
    .map((zone) => {
      const texts = challenges.filter((challenge) => challenge.zone === zone.id);
      return { name: zone.name, text: formatZoneFile(zone, withTexts(rrsetsOf(store, zone), texts)) };
    });
}

function withTexts(rrsets: RrsetFields[], texts: Challenge[]): RrsetFields[] {
  const sets = [...rrsets];
  for (const { name, value } of texts) {
    const record = { value: `"${value}"`, comment: "" };
    const index = sets.findIndex((set) => set.name === name && set.type === "TXT");
    const present = sets[index];
    if (present === undefined) {
      sets.push({ name, type: "TXT", ttl: challengeTtl, labels: {}, records: [record] });
    } else {
      sets[index] = { ...present, records: [...present.records, record] };
    }
  }
  return sets;
}

/** The names set on addresses of any kind, without the ones an IPv4 has by default. */
function setPointers(store: Store): DnsPointer[] {
  return [primaryIpRecords(store), floatingIpRecords(store), loadBalancerRecords(store)].flatMap((records) =>
    records.all().flatMap(({ dns_ptr }) => dns_ptr),
  );
}

/** Counts up whenever the pointers are others than before. */
function reverseSerial(now: () => Date): (pointers: DnsPointer[]) => number {
  let last: { pointers: string; serial: number } | undefined;
  return (pointers) => {
    const text = JSON.stringify(pointers);
    if (last?.pointers !== text) {
      last = { pointers: text, serial: nextSerial(last?.serial, now()) };
    }
    return last.serial;
  };
}
