import type { CheckFailure, Properties, Value } from "../../../provider/framework/types.ts";
import { type Action, actionsOf, type Json } from "./api.ts";
import { lookUp } from "./entity.ts";
import { Diagnostic, frameworkWords } from "./errors.ts";
import { attributeFailure, emptyFailures, labelFailures } from "./framework-check.ts";
import type { CloudResource } from "./resource.ts";
import { tolerating } from "./retry.ts";
import { isSet, same } from "./schema.ts";

interface Nameserver {
  address: string;
  port: number;
  tsig_algorithm?: string | null;
  tsig_key?: string | null;
}

interface Zone {
  id: number;
  name: string;
  mode: string;
  ttl: number;
  labels: Record<string, string>;
  protection: { delete: boolean };
  primary_nameservers?: Nameserver[] | null;
  authoritative_nameservers: { assigned: string[] };
  registrar: string;
}

const attributes: CloudResource["attributes"] = {
  name: { kind: "text", replaces: true },
  mode: { kind: "text", required: true, replaces: true },
  ttl: { kind: "number", default: 3600 },
  labels: { kind: "labels", default: {} },
  deleteProtection: { kind: "boolean", computed: true, unsettled: true },
  primaryNameservers: {
    kind: "blocks",
    computed: true,
    unsettled: true,
    block: {
      address: { kind: "text", required: true },
      port: { kind: "number", default: 53 },
      tsigAlgorithm: { kind: "text", unset: null },
      tsigKey: { kind: "text", unset: null },
    },
  },
  authoritativeNameservers: { kind: "block", output: true, unsettled: true },
  registrar: { kind: "text", output: true, unsettled: true },
};

/** `hcloud:index/zone:Zone`. */
export const zone: CloudResource = {
  half: "framework",
  words: frameworkWords,
  attributes,
  validate: (inputs, call) => [
    ...nameserverFailures(inputs, call.name),
    ...emptyFailures(inputs, "primaryNameservers", "list", call.name),
    ...labelFailures(inputs, call.name),
  ],

  async create({ api, inputs, wanted, signal }, exists) {
    const { name, mode, ttl, labels } = wanted;
    const nameservers = isSet(inputs, "primaryNameservers")
      ? { primary_nameservers: nameserversBody(wanted.primaryNameservers) }
      : {};
    const answer = await api.post("/zones", { name, mode, ttl, labels, ...nameservers }, signal);
    const { id } = answer.zone as Zone;
    exists(String(id));
    const actions = actionsOf(answer);
    if (isSet(inputs, "deleteProtection")) actions.push(...(await post(id, protection(wanted))));
    await api.settle(actions, signal);
    return undefined;

    async function post(zoneId: number, [action, body]: [string, Json]): Promise<Action[]> {
      return actionsOf(await api.post(`/zones/${zoneId}/actions/${action}`, body, signal));
    }
  },

  async read(id, _old, { api, signal }) {
    const found = await lookUp<Zone>("zones", "zone", id, api, signal);
    if (found) return stateOf(found);
    if (!/^\d+$/.test(id))
      throw new Diagnostic("Resource not found", `Resource (zone) was not found: name=${id}`);
    return undefined;
  },

  async update(id, old, { api, inputs, wanted, signal }) {
    const changed = (name: string) => !same(attributes[name] ?? { kind: "text" }, old[name], wanted[name]);
    const steps: [string, Json][] = [];
    if (changed("ttl")) steps.push(["change_ttl", { ttl: wanted.ttl }]);
    if (isSet(inputs, "primaryNameservers") && changed("primaryNameservers"))
      steps.push([
        "change_primary_nameservers",
        { primary_nameservers: nameserversBody(wanted.primaryNameservers) },
      ]);
    if (isSet(inputs, "deleteProtection") && changed("deleteProtection")) steps.push(protection(wanted));
    const actions: Action[] = [];
    for (const [action, body] of steps)
      actions.push(...actionsOf(await api.post(`/zones/${id}/actions/${action}`, body, signal)));
    await api.settle(actions, signal);
    const body = changed("labels") ? { labels: wanted.labels } : {};
    return stateOf((await api.put(`/zones/${id}`, body, signal)).zone as Zone);
  },

  async delete(id, _old, { api, signal }) {
    await tolerating(["not_found"], async () =>
      api.settle(actionsOf(await api.delete(`/zones/${id}`, signal)), signal),
    );
  },
};

function protection(wanted: Properties): [string, Json] {
  return ["change_protection", { delete: wanted.deleteProtection }];
}

function nameserversBody(list: Value): Json[] {
  return (list as Properties[]).map(({ address, port, tsigAlgorithm, tsigKey }) => ({
    address,
    ...(port ? { port } : {}),
    ...(tsigAlgorithm ? { tsig_algorithm: tsigAlgorithm } : {}),
    ...(tsigKey ? { tsig_key: tsigKey } : {}),
  }));
}

function stateOf(found: Zone): Properties {
  return {
    id: String(found.id),
    name: found.name,
    mode: found.mode,
    ttl: found.ttl,
    labels: found.labels,
    deleteProtection: found.protection.delete,
    primaryNameservers: (found.primary_nameservers ?? []).map((server) => ({
      address: server.address,
      port: server.port,
      ...(server.tsig_algorithm && { tsigAlgorithm: server.tsig_algorithm }),
      ...(server.tsig_key && { tsigKey: server.tsig_key }),
    })),
    authoritativeNameservers: { assigneds: found.authoritative_nameservers.assigned },
    registrar: found.registrar,
  };
}

function nameserverFailures(inputs: Properties, name: string): CheckFailure[] {
  const given = Object.hasOwn(inputs, "primaryNameservers");
  if (inputs.mode === "primary" && given && inputs.primaryNameservers !== undefined)
    return [
      attributeFailure(
        name,
        "primaryNameservers",
        "Forbidden attribute",
        "This attribute is forbidden when mode is primary.",
      ),
    ];
  if (inputs.mode === "secondary" && !given)
    return [
      attributeFailure(
        name,
        "primaryNameservers",
        "Required attribute",
        "This attribute is required when mode is secondary.",
      ),
    ];
  return [];
}
