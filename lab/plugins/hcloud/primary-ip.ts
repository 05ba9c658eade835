import type { CheckFailure, Properties } from "../../../provider/framework/types.ts";
import { type Api, actionsOf } from "./api.ts";
import { frameworkWords, isRefusal } from "./errors.ts";
import { attributeFailure, exactlyOne, labelFailures } from "./framework-check.ts";
import type { CloudResource, Work } from "./resource.ts";
import { persist, tolerating } from "./retry.ts";
import { DATACENTER_REMOVED, isSet, same } from "./schema.ts";

interface PrimaryIp {
  id: number;
  name: string;
  type: "ipv4" | "ipv6";
  ip: string;
  labels: Record<string, string>;
  auto_delete: boolean;
  assignee_id: number | null;
  assignee_type: string;
  location: { name: string };
  protection: { delete: boolean };
}

/** `hcloud:index/primaryIp:PrimaryIp`. */
export const primaryIp: CloudResource = {
  half: "framework",
  words: frameworkWords,
  attributes: {
    name: { kind: "text" },
    type: { kind: "text", required: true, replaces: true },
    location: { kind: "text", computed: true, replaces: true },
    assigneeId: { kind: "number", computed: true, unsettled: true },
    assigneeType: { kind: "text", computed: true, unsettled: true },
    autoDelete: { kind: "boolean", default: false },
    deleteProtection: { kind: "boolean", default: false },
    labels: { kind: "labels", unset: {} },
    datacenter: { kind: "text", computed: true, removed: DATACENTER_REMOVED },
    ipAddress: { kind: "text", output: true },
    ipNetwork: { kind: "text", output: true },
  },
  validate: (inputs, call) => [...placeFailures(inputs, call.name), ...labelFailures(inputs, call.name)],

  async create({ api, inputs, wanted, signal }, exists) {
    const { name, type, labels, autoDelete, assigneeId, assigneeType, location } = wanted;
    const place = isSet(inputs, "location")
      ? { location }
      : { assignee_id: assigneeId, assignee_type: assigneeType };
    const body = { name, type, labels, auto_delete: autoDelete, ...place };
    const answer = await api.post("/primary_ips", body, signal);
    const id = String((answer.primary_ip as PrimaryIp).id);
    exists(id);
    await api.settle(actionsOf(answer), signal);
    if (wanted.deleteProtection) await protect(id, true, api, signal);
  },

  async read(id, _old, { api, signal }) {
    const answer = await api.find(`/primary_ips/${id}`, signal);
    return answer && stateOf(answer.primary_ip as PrimaryIp);
  },

  async update(id, old, work) {
    const { api, wanted, signal } = work;
    if (wanted.deleteProtection !== old.deleteProtection)
      await protect(id, wanted.deleteProtection === true, api, signal);
    await assign(id, old, work);
    const body: Properties = {};
    if (wanted.name !== old.name) body.name = wanted.name;
    if (!same({ kind: "labels" }, old.labels, wanted.labels)) body.labels = wanted.labels;
    if (wanted.autoDelete !== old.autoDelete) body.auto_delete = wanted.autoDelete;
    const answer = await api.put(`/primary_ips/${id}`, body, signal);
    return stateOf(answer.primary_ip as PrimaryIp);
  },

  async delete(id, old, { api, signal }) {
    if (old.assigneeId && old.assigneeType === "server") await letGo(id, String(old.assigneeId), api, signal);
    await persist(api, signal, { tries: 10, again: (error) => !isRefusal(error, "protected") }, () =>
      tolerating(["not_found"], () => api.delete(`/primary_ips/${id}`, signal)),
    );
  },
};

function stateOf(ip: PrimaryIp): Properties {
  return {
    name: ip.name,
    type: ip.type,
    location: ip.location.name,
    assigneeId: ip.assignee_id ?? 0,
    assigneeType: ip.assignee_type,
    autoDelete: ip.auto_delete,
    deleteProtection: ip.protection.delete,
    labels: ip.labels,
    ipAddress: ip.ip.replace(/\/\d+$/, ""),
    // The real provider leaves the network of an IPv4 address out of the state.
    ipNetwork: ip.type === "ipv6" ? ip.ip : undefined,
  };
}

async function protect(id: string, on: boolean, api: Api, signal: AbortSignal): Promise<void> {
  await api.act(`/primary_ips/${id}/actions/change_protection`, { delete: on }, signal);
}

async function assign(id: string, old: Properties, { api, inputs, wanted, signal }: Work): Promise<void> {
  const changed =
    (isSet(inputs, "assigneeId") && wanted.assigneeId !== old.assigneeId) ||
    (isSet(inputs, "assigneeType") &&
      isSet(inputs, "assigneeId") &&
      wanted.assigneeType !== old.assigneeType);
  if (!changed) return;
  if (old.assigneeId) await api.act(`/primary_ips/${id}/actions/unassign`, undefined, signal);
  const body = { assignee_id: wanted.assigneeId, assignee_type: wanted.assigneeType };
  if (wanted.assigneeId) await api.act(`/primary_ips/${id}/actions/assign`, body, signal);
}

/** A server that still holds the address has to be off to lose it; whatever goes wrong here, the delete will say. */
async function letGo(id: string, serverId: string, api: Api, signal: AbortSignal): Promise<void> {
  const answer = await api.find(`/servers/${serverId}`, signal).catch(() => undefined);
  const net = (
    answer?.server as { public_net: { ipv4: { id: number } | null; ipv6: { id: number } | null } } | undefined
  )?.public_net;
  if (!net || (String(net.ipv4?.id) !== id && String(net.ipv6?.id) !== id)) return;
  for (const path of [
    `/servers/${serverId}/actions/poweroff`,
    `/primary_ips/${id}/actions/unassign`,
    `/servers/${serverId}/actions/poweron`,
  ])
    await api.act(path, undefined, signal).catch(() => signal.throwIfAborted());
}

function placeFailures(inputs: Properties, name: string): CheckFailure[] {
  const failures = exactlyOne(inputs, ["location", "assigneeId"], name);
  if (isSet(inputs, "assigneeId") && !isSet(inputs, "assigneeType"))
    failures.push(
      attributeFailure(
        name,
        "assigneeId",
        "Invalid Attribute Combination",
        "These attributes must be configured together: [assignee_id,assignee_type]",
      ),
    );
  return failures;
}
