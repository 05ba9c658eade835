import { z } from "zod";
import type { Action } from "./actions.ts";
import type { Cloud } from "./context.ts";
import { isRrsetType } from "./dns-values.ts";
import { ApiError, invalidField, invalidInput, notUnique, refusedField } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { matches, parseSelector } from "./labels.ts";
import { filterValues, paginate, sortBy } from "./query.ts";
import {
  dnsRecords,
  fieldsOf,
  neighbourProblem,
  newRrset,
  recordProblems,
  rrsetProblems,
  ttl,
} from "./rrset-rules.ts";
import { labels } from "./validate.ts";
import {
  countUp,
  type DnsRecord,
  ensureMode,
  nameservers,
  type RrsetRecord,
  rrsetRecords,
  rrsetsOf,
  serialOf,
  withSerial,
  type ZoneRecord,
} from "./zone-records.ts";

const path = "/zones/:zone/rrsets";
const onePath = `${path}/:name/:type`;
const maxPerPage = 100;

const addRecords = z.object({ records: dnsRecords, ttl: ttl.nullish() });
const someRecords = z.object({ records: dnsRecords });

/** The record sets of primary zones, and all that changes them. */
export function serveRrsets(api: Api, cloud: Cloud, zoneOf: (request: ApiRequest) => ZoneRecord): void {
  const rrsets = rrsetRecords(cloud.store);
  const primaryZone = (request: ApiRequest): ZoneRecord => {
    const zone = zoneOf(request);
    ensureMode(zone, "primary");
    return zone;
  };
  const lookUp = (zone: ZoneRecord, name: string | undefined, type: string | undefined) =>
    rrsetsOf(cloud.store, zone).find((rrset) => rrset.name === name && rrset.type === type);
  const found = (request: ApiRequest): { zone: ZoneRecord; rrset: RrsetRecord } => {
    const zone = primaryZone(request);
    const { name, type } = request.params;
    const rrset = lookUp(zone, name, type);
    if (rrset === undefined) {
      throw new ApiError("not_found", `rrset '${name}/${type}' not found in zone '${zone.name}'`);
    }
    return { zone, rrset };
  };
  /** Starts the action that is done when the name server follows; `undo` puts back what was there when it does not. */
  const serve = (zone: ZoneRecord, command: string, undo: () => void): Action => {
    countUp(cloud.store, zone, cloud.now());
    return cloud.actions.start({
      command,
      resources: [{ id: zone.id, type: "zone" }],
      work: () => cloud.zones.push(),
      failed: undo,
    });
  };
  /** Changes a set's records, or removes a set that would be left without any. */
  const setRecords = (
    zone: ZoneRecord,
    rrset: RrsetRecord,
    records: DnsRecord[],
    command: string,
  ): Action => {
    const before = rrset.records;
    if (records.length === 0) {
      ensureDeletable(rrset);
      rrsets.remove(rrset);
      return serve(zone, command, () => rrsets.restore(rrset));
    }
    ensureValid(zone, rrset, records);
    rrsets.change(rrset, { records });
    return serve(zone, command, () => rrsets.change(rrset, { records: before }));
  };

  api.get(path, (request) => {
    const zone = primaryZone(request);
    const { query } = request;
    const selector = parseSelector(query.get("label_selector") ?? "");
    const names = filterValues(query, "name");
    const types = filterValues(query, "type");
    if (types?.some((type) => !isRrsetType(type))) {
      throw invalidField("type", "must be a record type");
    }
    const all = rrsetsOf(cloud.store, zone).filter(
      (rrset) =>
        matches(rrset.labels, selector) &&
        (names?.includes(rrset.name) ?? true) &&
        (types?.includes(rrset.type) ?? true),
    );
    const { items, meta } = paginate(
      sortBy(all.map(view), query, ["id", "name", "created"]),
      query,
      maxPerPage,
    );
    return { status: 200, body: { rrsets: items.map(withoutCreated), meta } };
  });
  api.post(path, async (request) => {
    const zone = primaryZone(request);
    const fields = fieldsOf(request.body(newRrset));
    const problems = rrsetProblems(fields, zone.name);
    if (problems.length > 0) {
      throw invalidInput(problems);
    }
    if (lookUp(zone, fields.name, fields.type) !== undefined) {
      throw notUnique("name", `rrset '${fields.name}/${fields.type}' already exists`);
    }
    ensureNeighbours(cloud, zone, fields);
    const rrset = rrsets.add({ ...fields, zone: zone.id, protection: { change: false } });
    const [action] = await cloud.actions.answer(serve(zone, "create_rrset", () => rrsets.remove(rrset)));
    return { status: 201, body: { rrset: shown(rrset), action } };
  });
  api.get(onePath, (request) => ({ status: 200, body: { rrset: shown(found(request).rrset) } }));
  api.put(onePath, (request) => {
    const { rrset } = found(request);
    const body = request.body(z.object({ labels: labels.nullish() }));
    if (body.labels) {
      rrsets.change(rrset, { labels: body.labels });
    }
    return { status: 200, body: { rrset: shown(rrset) } };
  });
  api.delete(onePath, async (request) => {
    const { zone, rrset } = found(request);
    ensureUnprotected(rrset);
    ensureDeletable(rrset);
    rrsets.remove(rrset);
    const [action] = await cloud.actions.answer(serve(zone, "delete_rrset", () => rrsets.restore(rrset)));
    return { status: 201, body: { action } };
  });

  const action = (name: string, act: (request: ApiRequest) => Action, status: 200 | 201 = 201) =>
    api.post(`${onePath}/actions/${name}`, async (request) => {
      const [done] = await cloud.actions.answer(act(request));
      return { status, body: { action: done } };
    });

  action("change_protection", (request) => {
    const { zone, rrset } = found(request);
    const before = rrset.protection;
    const { change } = request.body(z.object({ change: z.boolean() }));
    rrsets.change(rrset, { protection: { change } });
    return cloud.actions.start({
      command: "change_rrset_protection",
      resources: [{ id: zone.id, type: "zone" }],
      failed: () => rrsets.change(rrset, { protection: before }),
    });
  });
  action("change_ttl", (request) => {
    const { zone, rrset } = found(request);
    const body = request.body(z.object({ ttl: ttl.nullable() }));
    ensureUnprotected(rrset);
    const before = rrset.ttl;
    rrsets.change(rrset, { ttl: body.ttl });
    return serve(zone, "change_rrset_ttl", () => rrsets.change(rrset, { ttl: before }));
  });
  action("set_records", (request) => {
    const { zone, rrset } = found(request);
    const { records } = request.body(someRecords);
    ensureUnprotected(rrset);
    return setRecords(zone, rrset, keepSerial(rrset, records), "set_rrset_records");
  });
  action("add_records", (request) => {
    const zone = primaryZone(request);
    const body = request.body(addRecords);
    const { name, type } = request.params;
    const present = lookUp(zone, name, type);
    if (present === undefined) {
      if (name === undefined || type === undefined || !isRrsetType(type)) {
        throw invalidField("type", "must be a record type");
      }
      const fields = fieldsOf({ name, type, ttl: body.ttl, records: body.records });
      const problems = rrsetProblems(fields, zone.name);
      if (problems.length > 0) throw invalidInput(problems);
      ensureNeighbours(cloud, zone, fields);
      const rrset = rrsets.add({ ...fields, zone: zone.id, protection: { change: false } });
      return serve(zone, "add_rrset_records", () => rrsets.remove(rrset));
    }
    ensureUnprotected(present);
    if (body.ttl != null && body.ttl !== present.ttl) {
      throw refusedField("ttl", `the TTL of the rrset is ${present.ttl ?? "the zone's"}, not ${body.ttl}`);
    }
    const twice = body.records.findIndex(({ value }) => hasValue(present, value));
    if (twice !== -1) {
      throw invalidField(`records.${twice}.value`, "already exists in the rrset");
    }
    return setRecords(zone, present, [...present.records, ...body.records], "add_rrset_records");
  });
  action("remove_records", (request) => {
    const { zone, rrset } = found(request);
    const { records } = request.body(someRecords);
    ensureUnprotected(rrset);
    ensurePresent(rrset, records);
    const left = rrset.records.filter(({ value }) => !records.some((one) => one.value === value));
    return setRecords(zone, rrset, left, "remove_rrset_records");
  });
  action(
    "update_records",
    (request) => {
      const { zone, rrset } = found(request);
      const { records } = request.body(someRecords);
      ensureUnprotected(rrset);
      ensurePresent(rrset, records);
      const changed = rrset.records.map(
        (record) => records.find(({ value }) => value === record.value) ?? record,
      );
      return setRecords(zone, rrset, changed, "update_rrset_records");
    },
    200,
  );
}

/** The serial is counted up by the name servers, whatever is given. */
function keepSerial(rrset: RrsetRecord, records: DnsRecord[]): DnsRecord[] {
  const [present] = rrset.records;
  return rrset.type === "SOA" && present !== undefined
    ? records.map((record) => ({ ...record, value: withSerial(record.value, serialOf(present.value)) }))
    : records;
}

function hasValue(rrset: RrsetRecord, value: string): boolean {
  return rrset.records.some((record) => record.value === value);
}

function ensurePresent(rrset: RrsetRecord, records: DnsRecord[]): void {
  const missing = records.findIndex(({ value }) => !hasValue(rrset, value));
  if (missing !== -1) {
    throw invalidField(`records.${missing}.value`, `does not exist in the rrset ${rrset.name}/${rrset.type}`);
  }
}

function ensureValid(zone: ZoneRecord, rrset: RrsetRecord, records: DnsRecord[]): void {
  const problems = recordProblems(rrset.type, records, zone.name);
  if (problems.length > 0) {
    throw invalidInput(problems);
  }
}

function ensureNeighbours(cloud: Cloud, zone: ZoneRecord, rrset: Pick<RrsetRecord, "name" | "type">): void {
  const problem = neighbourProblem(rrset, rrsetsOf(cloud.store, zone));
  if (problem !== undefined) {
    throw refusedField("type", problem);
  }
}

function ensureUnprotected(rrset: RrsetRecord): void {
  if (rrset.protection.change) {
    throw new ApiError("protected", `rrset '${rrset.name}/${rrset.type}' is protected against changes`);
  }
}

/** A zone cannot be served without its SOA and its name servers. */
function ensureDeletable(rrset: RrsetRecord): void {
  if (rrset.name === "@" && (rrset.type === "SOA" || rrset.type === "NS")) {
    throw new ApiError(
      "unsupported_error",
      `the ${rrset.type} records of a zone itself cannot be deleted; its name servers are ${nameservers.join(", ")}`,
    );
  }
}

type Shown = ReturnType<typeof view>;

function view({ zone, name, type, ttl, labels, protection, records, created }: RrsetRecord) {
  return { id: `${name}/${type}`, name, type, ttl, labels, protection, records, zone, created };
}

function withoutCreated({ created: _, ...rrset }: Shown) {
  return rrset;
}

function shown(rrset: RrsetRecord): object {
  return withoutCreated(view(rrset));
}
