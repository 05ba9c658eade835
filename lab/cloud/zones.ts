import { z } from "zod";
import type { Action } from "./actions.ts";
import { listActions, oneAction } from "./actions-api.ts";
import { byName, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { zoneNameProblem } from "./dns-names.ts";
import { DnsTextError } from "./dns-text.ts";
import { ApiError, invalidField, invalidInput, notFound, notUnique, refusedField } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { parseAddress } from "./ip.ts";
import { fieldsOf, type NewRrset, neighbourProblem, newRrset, rrsetProblems, ttl } from "./rrset-rules.ts";
import { serveRrsets } from "./rrsets.ts";
import { labels } from "./validate.ts";
import { formatZoneFile, parseZoneFile, type ZoneFile } from "./zone-file.ts";
import {
  automaticRrsets,
  countUp,
  ensureMode,
  nameservers,
  nextSerial,
  type PrimaryNameserver,
  type RrsetFields,
  rrsetRecords,
  rrsetsOf,
  serialOf,
  withSerial,
  type ZoneRecord,
  zoneRecords,
} from "./zone-records.ts";

const defaultTtl = 3600;
const zoneParam = ":zone";

const primaryNameserver = z
  .object({
    address: z.string().refine((text) => parseAddress(text) !== undefined, "must be an IP address"),
    port: z.int().min(1).max(65_535).nullish(),
    tsig_key: z.base64().min(1).nullish(),
    tsig_algorithm: z.enum(["hmac-md5", "hmac-sha1", "hmac-sha256"]).nullish(),
  })
  .refine((server) => !server.tsig_key === !server.tsig_algorithm, "a TSIG key needs its algorithm and back")
  .transform(
    ({ address, port, tsig_key, tsig_algorithm }): PrimaryNameserver => ({
      address,
      port: port ?? 53,
      ...(tsig_key && tsig_algorithm ? { tsig_key, tsig_algorithm } : {}),
    }),
  );

const primaryNameservers = z
  .array(primaryNameserver)
  .min(1)
  .refine(
    (servers) => new Set(servers.map(({ address }) => address)).size === servers.length,
    "addresses must be unique",
  );

const create = z.object({
  name: z.string().max(255),
  mode: z.enum(["primary", "secondary"]),
  ttl: ttl.nullish(),
  labels: labels.nullish(),
  primary_nameservers: z.unknown().optional(),
  rrsets: z.array(newRrset).nullish(),
  zonefile: z.string().nullish(),
});

export function serveZones(api: Api, cloud: Cloud): void {
  const zones = zoneRecords(cloud.store);
  const resource: Resource<ZoneRecord> = {
    many: "zones",
    one: "zone",
    what: "zone",
    records: zones,
    sortable: ["id", "name", "created"],
    filters: { name: byName, mode: (zone, modes) => modes.includes(zone.mode) },
    view: (zone) => zoneView(cloud, zone),
  };
  /** The zone a path names, by id or by name. */
  const zoneOf = (request: ApiRequest): ZoneRecord => {
    const text = request.params.zone ?? "";
    const zone = zones.all().find(({ id, name }) => name === text || String(id) === text);
    if (zone === undefined) {
      throw notFound("zone", text);
    }
    return zone;
  };

  serveReads(api, cloud, resource);
  api.get(`/zones/${zoneParam}`, (request) => show(resource, zoneOf(request)));
  const belongsTo =
    ({ id }: ZoneRecord) =>
    ({ resources }: Action) =>
      resources.some((one) => one.type === "zone" && one.id === id);
  api.get(`/zones/${zoneParam}/actions`, (request) =>
    listActions(cloud.actions.all().filter(belongsTo(zoneOf(request))), request.query),
  );
  api.get(`/zones/${zoneParam}/actions/:action{[0-9]+}`, (request) =>
    oneAction(cloud, Number(request.params.action), belongsTo(zoneOf(request))),
  );
  api.post("/zones", async (request) => {
    const body = request.body(create);
    const problem = zoneNameProblem(body.name);
    if (problem !== undefined) {
      throw invalidField("name", problem);
    }
    if (zones.all().some(({ name }) => name === body.name)) {
      throw notUnique("name", "zone name is already used");
    }
    const primary = body.mode === "primary";
    const servers = primary ? [] : primaryNameserversOf(body.primary_nameservers);
    const content = primary ? contentOf(cloud, body.name, body) : { ttl: null, rrsets: [] };
    const zone = zones.add({
      name: body.name,
      mode: body.mode,
      ttl: content.ttl ?? body.ttl ?? defaultTtl,
      labels: body.labels ?? {},
      protection: { delete: false },
      primary_nameservers: servers,
    });
    addRrsets(cloud, zone, content.rrsets);
    const [action] = await cloud.actions.answer(
      start(cloud, zone, "create_zone", () => dropZone(cloud, zone)),
    );
    return show(resource, zone, { action }, 201);
  });
  api.put(`/zones/${zoneParam}`, (request) => {
    const zone = zoneOf(request);
    const body = request.body(z.object({ labels: labels.nullish() }));
    if (body.labels) {
      zones.change(zone, { labels: body.labels });
    }
    return show(resource, zone);
  });
  api.delete(`/zones/${zoneParam}`, async (request) => {
    const zone = zoneOf(request);
    if (zone.protection.delete) {
      throw new ApiError("protected", "zone deletion is protected");
    }
    const rrsets = dropZone(cloud, zone);
    const [action] = await cloud.actions.answer(
      start(cloud, zone, "delete_zone", () => {
        zones.restore(zone);
        for (const rrset of rrsets) rrsetRecords(cloud.store).restore(rrset);
      }),
    );
    return { status: 201, body: { action } };
  });
  api.get(`/zones/${zoneParam}/zonefile`, (request) => {
    const zone = zoneOf(request);
    ensureMode(zone, "primary");
    return { status: 200, body: { zonefile: formatZoneFile(zone, rrsetsOf(cloud.store, zone)) } };
  });

  const action = (name: string, act: (zone: ZoneRecord, request: ApiRequest) => Action) =>
    api.post(`/zones/${zoneParam}/actions/${name}`, async (request) => {
      const [done] = await cloud.actions.answer(act(zoneOf(request), request));
      return { status: 201, body: { action: done } };
    });

  action("change_protection", (zone, request) => {
    const body = request.body(z.object({ delete: z.boolean().nullish() }));
    const before = zone.protection;
    zones.change(zone, { protection: { delete: body.delete ?? before.delete } });
    return cloud.actions.start({
      command: "change_protection",
      resources: [{ id: zone.id, type: "zone" }],
      failed: () => zones.change(zone, { protection: before }),
    });
  });
  action("change_ttl", (zone, request) => {
    ensureMode(zone, "primary");
    const before = zone.ttl;
    zones.change(zone, { ttl: request.body(z.object({ ttl })).ttl });
    countUp(cloud.store, zone, cloud.now());
    return start(cloud, zone, "change_ttl", () => zones.change(zone, { ttl: before }));
  });
  action("change_primary_nameservers", (zone, request) => {
    ensureMode(zone, "secondary");
    const before = zone.primary_nameservers;
    const body = request.body(z.object({ primary_nameservers: primaryNameservers }));
    zones.change(zone, { primary_nameservers: body.primary_nameservers });
    return start(cloud, zone, "change_primary_nameservers", () =>
      zones.change(zone, { primary_nameservers: before }),
    );
  });
  action("import_zonefile", (zone, request) => {
    ensureMode(zone, "primary");
    const { zonefile } = request.body(z.object({ zonefile: z.string().min(1) }));
    const content = readZoneFile(zonefile, zone.name);
    const before = { ttl: zone.ttl, rrsets: rrsetsOf(cloud.store, zone) };
    const kept = before.rrsets.find(({ protection }) => protection.change);
    if (kept !== undefined) {
      throw new ApiError("protected", `rrset '${kept.name}/${kept.type}' is protected against changes`);
    }
    const soa = before.rrsets.find(({ type }) => type === "SOA")?.records[0]?.value;
    const serial = nextSerial(soa === undefined ? undefined : serialOf(soa), cloud.now());
    zones.change(zone, { ttl: content.ttl ?? zone.ttl });
    removeRrsets(cloud, zone);
    addRrsets(cloud, zone, content.rrsets, serial);
    return start(cloud, zone, "import_zonefile", () => {
      zones.change(zone, { ttl: before.ttl });
      removeRrsets(cloud, zone);
      for (const rrset of before.rrsets) rrsetRecords(cloud.store).restore(rrset);
    });
  });
  serveRrsets(api, cloud, zoneOf);
}

/** An action that is done when the name server follows; `undo` puts back what was there when it does not. */
function start(cloud: Cloud, zone: ZoneRecord, command: string, undo: () => void): Action {
  return cloud.actions.start({
    command,
    resources: [{ id: zone.id, type: "zone" }],
    work: () => cloud.zones.push(),
    failed: undo,
  });
}

function primaryNameserversOf(value: unknown): PrimaryNameserver[] {
  const parsed = primaryNameservers.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refusedField(
      ["primary_nameservers", ...(issue?.path ?? [])].join("."),
      value == null ? "a secondary zone needs primary_nameservers" : (issue?.message ?? "is wrong"),
    );
  }
  return parsed.data;
}

/** The records of a new primary zone: those of a zone file, or the automatic ones with those given. */
function contentOf(
  cloud: Cloud,
  name: string,
  { rrsets, zonefile }: { rrsets?: NewRrset[] | null | undefined; zonefile?: string | null | undefined },
): ZoneFile {
  const given = rrsets ?? [];
  if (zonefile) {
    if (given.length > 0) {
      throw invalidField("rrsets", "must be empty when a zonefile is given");
    }
    return readZoneFile(zonefile, name);
  }
  const problems = given.flatMap((rrset, index) => {
    const field = `rrsets.${index}.`;
    const others = given.filter((_, other) => other < index);
    const twice = others.some((other) => other.name === rrset.name && other.type === rrset.type);
    const neighbour = neighbourProblem(rrset, others);
    return [
      ...rrsetProblems(rrset, name, field),
      ...(twice ? [{ name: `${field}name`, messages: [`${rrset.name}/${rrset.type} is there twice`] }] : []),
      ...(neighbour === undefined ? [] : [{ name: `${field}type`, messages: [neighbour] }]),
    ];
  });
  if (problems.length > 0) {
    throw invalidInput(problems);
  }
  const fields = given.map(fieldsOf);
  const replaced = (automatic: RrsetFields) =>
    fields.some((set) => set.name === automatic.name && set.type === automatic.type);
  return {
    ttl: null,
    rrsets: [...automaticRrsets(cloud.now()).filter((set) => !replaced(set)), ...fields],
  };
}

function readZoneFile(text: string, zone: string): ZoneFile {
  try {
    return parseZoneFile(text, zone);
  } catch (error) {
    if (error instanceof DnsTextError) {
      throw refusedField("zonefile", `zone file, line ${error.line}: ${error.message}`);
    }
    throw error;
  }
}

/** @param serial the zone's serial from now on; a new one of today when absent. */
function addRrsets(
  cloud: Cloud,
  zone: ZoneRecord,
  rrsets: RrsetFields[],
  serial = nextSerial(undefined, cloud.now()),
): void {
  for (const rrset of rrsets) {
    const records =
      rrset.type === "SOA"
        ? rrset.records.map((record) => ({ ...record, value: withSerial(record.value, serial) }))
        : rrset.records;
    rrsetRecords(cloud.store).add({ ...rrset, records, zone: zone.id, protection: { change: false } });
  }
}

function removeRrsets(cloud: Cloud, zone: ZoneRecord) {
  const rrsets = rrsetsOf(cloud.store, zone);
  for (const rrset of rrsets) rrsetRecords(cloud.store).remove(rrset);
  return rrsets;
}

function dropZone(cloud: Cloud, zone: ZoneRecord) {
  zoneRecords(cloud.store).remove(zone);
  return removeRrsets(cloud, zone);
}

function zoneView(cloud: Cloud, zone: ZoneRecord): object {
  return {
    ...zone,
    // Nothing is transferred in the lab, so that a secondary zone is served with nothing.
    status: zone.mode === "primary" ? "ok" : "error",
    record_count: rrsetsOf(cloud.store, zone).reduce((sum, { records }) => sum + records.length, 0),
    authoritative_nameservers: {
      assigned: nameservers,
      delegated: [],
      delegation_last_check: null,
      delegation_status: "unknown",
    },
    registrar: "unknown",
  };
}
