import type { Properties, Value } from "../../../provider/framework/types.ts";
import { type Action, actionsOf, type Json } from "./api.ts";
import { Diagnostic, frameworkWords } from "./errors.ts";
import { emptyFailures, labelFailures } from "./framework-check.ts";
import type { CloudResource } from "./resource.ts";
import { tolerating } from "./retry.ts";
import { isSet, same } from "./schema.ts";

interface Rrset {
  id: string;
  name: string;
  type: string;
  ttl: number | null;
  labels: Record<string, string>;
  protection: { change: boolean };
  records: { value: string; comment?: string | null }[];
  /** The id of its zone. */
  zone: number;
}

const attributes: CloudResource["attributes"] = {
  zone: { kind: "text", required: true, replaces: true },
  name: { kind: "text", replaces: true },
  type: { kind: "text", required: true, replaces: true },
  ttl: { kind: "number" },
  labels: { kind: "labels", default: {} },
  changeProtection: { kind: "boolean", computed: true, unsettled: true },
  records: {
    kind: "blocks",
    required: true,
    unordered: true,
    block: { value: { kind: "text", required: true }, comment: { kind: "text", unset: null } },
  },
};

/** `hcloud:index/zoneRrset:ZoneRrset`: all records of one name and type, known by "<name>/<type>". */
export const zoneRrset: CloudResource = {
  half: "framework",
  words: frameworkWords,
  attributes,
  validate: (inputs, call) => [
    ...emptyFailures(inputs, "records", "set", call.name),
    ...labelFailures(inputs, call.name),
  ],

  async create({ api, inputs, wanted, signal, warn }, exists) {
    const { zone, name, type, ttl, labels } = wanted;
    const actions: Action[] = [];
    let made: Rrset;
    if (type === "SOA") {
      warn(
        "[WARNING] Importing the SOA record (managed by the API) in the state.: SOA records are managed by the API",
      );
      const found = (await api.find(pathOf(zone, `${name}/SOA`), signal))?.rrset;
      if (!found)
        throw new Diagnostic("Resource not found", `Resource (zone rrset) was not found: id=${name}/SOA`);
      made = found as Rrset;
    } else {
      const body = {
        name,
        type,
        ...(ttl === null ? {} : { ttl }),
        labels,
        records: recordsBody(wanted.records),
      };
      const answer = await api.post(`/zones/${zone}/rrsets`, body, signal);
      made = answer.rrset as Rrset;
      exists(made.id);
      actions.push(...actionsOf(answer));
    }
    if (isSet(inputs, "changeProtection")) {
      const body = { change: wanted.changeProtection };
      const path = `${pathOf(made.zone, made.id)}/actions/change_protection`;
      actions.push(...actionsOf(await api.post(path, body, signal)));
    }
    await api.settle(actions, signal);
    exists(made.id);
    return undefined;
  },

  async read(id, old, { api, signal }) {
    const [zone, rrset] = old.zone ? [old.zone, id] : imported(id);
    const found = (await api.find(pathOf(zone, rrset), signal))?.rrset;
    return found === undefined ? undefined : { zone, ...stateOf(found as Rrset) };
  },

  async update(id, old, { api, inputs, wanted, signal }) {
    const path = pathOf(old.zone, id);
    const changed = (name: string) => !same(attributes[name] ?? { kind: "text" }, old[name], wanted[name]);
    const post = async (action: string, body: Json) =>
      actionsOf(await api.post(`${path}/actions/${action}`, body, signal));
    const protect = () =>
      api.act(`${path}/actions/change_protection`, { change: wanted.changeProtection }, signal);
    const protects = isSet(inputs, "changeProtection") && old.changeProtection !== wanted.changeProtection;

    if (protects && !wanted.changeProtection) await protect();
    const actions: Action[] = [];
    if (changed("ttl")) actions.push(...(await post("change_ttl", { ttl: wanted.ttl })));
    if (changed("records"))
      actions.push(...(await post("set_records", { records: recordsBody(wanted.records) })));
    await api.settle(actions, signal);
    const answer = await api.put(path, changed("labels") ? { labels: wanted.labels } : {}, signal);
    const found = answer.rrset as Rrset;
    if (protects && wanted.changeProtection) {
      await protect();
      found.protection.change = true;
    }
    return stateOf(found);
  },

  async delete(id, old, { api, signal, warn }) {
    if (old.type === "SOA")
      return warn(
        "[WARNING] Removing the SOA record (managed by the API) from the state.: SOA records are managed by the API",
      );
    await tolerating(["not_found"], async () =>
      api.settle(actionsOf(await api.delete(pathOf(old.zone, id), signal)), signal),
    );
  },
};

function pathOf(zone: Value, id: string): string {
  return `/zones/${zone}/rrsets/${id}`;
}

/** What an import names: "<zone's id or name>/<name>/<type>". */
function imported(id: string): [string, string] {
  const at = id.indexOf("/");
  if (at < 0)
    throw new Diagnostic(
      "Invalid import ID",
      `The import ID should be in the format '$ZONE_ID_OR_NAME/$RRSET_NAME/$RRSET_TYPE', got: ${id}`,
    );
  return [id.slice(0, at), id.slice(at + 1)];
}

function recordsBody(records: Value): Json[] {
  return (records as Properties[]).map(({ value, comment }) => ({ value, ...(comment ? { comment } : {}) }));
}

function stateOf(found: Rrset): Properties {
  return {
    id: found.id,
    name: found.name,
    type: found.type,
    ttl: found.ttl,
    labels: found.labels,
    changeProtection: found.protection.change,
    records: found.records.map(({ value, comment }) => ({
      value: found.type === "SOA" ? withoutSerial(value) : value,
      ...(comment && { comment }),
    })),
  };
}

/** The cloud counts the serial up by itself, which is no drift. */
function withoutSerial(soa: string): string {
  const parts = soa.split(" ");
  if (parts.length > 2) parts[2] = "0";
  return parts.join(" ");
}
