import type { Properties } from "../../../provider/framework/types.ts";
import { type Action, actionsOf, type Json } from "./api.ts";
import { labelFault } from "./check.ts";
import { sdkWords } from "./errors.ts";
import { problem } from "./firewall.ts";
import type { CloudResource, Work } from "./resource.ts";
import { hasUnknown, same } from "./schema.ts";
import { findServer, imageId, requireServerType, type Server, sshKeyIds } from "./server-lookups.ts";
import { SERVER } from "./server-table.ts";
import { shutDownFirst, updateServer } from "./server-update.ts";

/** `hcloud:index/server:Server`. */
export const server: CloudResource = {
  half: "sdk",
  words: sdkWords,
  leftOut: ["datacenter", "iso", "networks", "placementGroupId"],
  attributes: SERVER,

  validate(inputs, call) {
    const label = labelFault(inputs.labels);
    const failures = label ? [problem(call.name, "labels", label.words)] : [];
    if (inputs.image === "")
      failures.push(
        problem(
          call.name,
          "image",
          '"image" must have more than 0 characters. Have you set the name instead of an ID?',
        ),
      );
    return failures;
  },

  async create(work, exists) {
    const { api, signal } = work;
    const answer = await api.post("/servers", await orderBody(work), signal);
    const id = String((answer.server as Server).id);
    exists(id);
    await api.settle(actionsOf({ action: answer.action }), signal);
    for (const action of (answer.next_actions as Action[] | undefined) ?? [])
      await api.settle([action], signal);
    await equip(id, work);
  },

  async read(id, old, { api, signal }) {
    const found = await findServer(id, api, signal);
    return found && stateOf(found, old);
  },

  update: updateServer,

  async delete(id, old, { api, signal, warn }) {
    if (old.shutdownBeforeDeletion) await shutDownFirst(id, api, signal, warn);
    await api.settle(actionsOf(await api.delete(`/servers/${id}`, signal)), signal);
  },
};

async function orderBody({ api, inputs, wanted, signal }: Work): Promise<Json> {
  const type = await requireServerType(String(wanted.serverType), api, signal);
  const image = await imageId(String(wanted.image ?? ""), type.architecture, api, signal);
  const keys = await sshKeyIds(wanted.sshKeys, api, signal);
  const labels = (wanted.labels ?? {}) as Properties;
  const firewalls = Array.isArray(wanted.firewallIds) ? wanted.firewallIds : [];
  const net = Array.isArray(wanted.publicNets) ? (wanted.publicNets[0] as Properties | undefined) : undefined;
  const withoutNet = net && !net.ipv4Enabled && !net.ipv6Enabled && !net.ipv4 && !net.ipv6;
  return {
    name: wanted.name,
    server_type: wanted.serverType,
    image,
    ...(keys.length > 0 && { ssh_keys: keys }),
    ...(wanted.location ? { location: wanted.location } : {}),
    ...(inputs.userData ? { user_data: inputs.userData } : {}),
    ...(withoutNet && { start_after_create: false }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(firewalls.length > 0 && { firewalls: firewalls.map((firewall) => ({ firewall })) }),
    ...(net && { public_net: publicNetBody(net) }),
  };
}

function publicNetBody(net: Properties): Json {
  return {
    enable_ipv4: Boolean(net.ipv4Enabled || net.ipv4),
    enable_ipv6: Boolean(net.ipv6Enabled || net.ipv6),
    ...(net.ipv4 ? { ipv4: net.ipv4 } : {}),
    ...(net.ipv6 ? { ipv6: net.ipv6 } : {}),
  };
}

/** What an order cannot say. */
async function equip(id: string, { api, wanted, signal }: Work): Promise<void> {
  const path = `/servers/${id}/actions`;
  if (wanted.backups) await api.act(`${path}/enable_backup`, undefined, signal);
  if (wanted.rescue) {
    const keys = await sshKeyIds(wanted.sshKeys, api, signal);
    await api.act(
      `${path}/enable_rescue`,
      { type: wanted.rescue, ...(keys.length > 0 && { ssh_keys: keys }) },
      signal,
    );
    await api.act(`${path}/reset`, undefined, signal);
  }
  const { deleteProtection, rebuildProtection } = wanted;
  if (deleteProtection || rebuildProtection)
    await api.act(
      `${path}/change_protection`,
      { rebuild: rebuildProtection, delete: deleteProtection },
      signal,
    );
}

/** The cloud's side of a server's state; `old` says how the program wrote image and labels. */
function stateOf(found: Server, old: Properties): Properties {
  const { ipv4, ipv6, firewalls } = found.public_net;
  const labels =
    same({ kind: "labels" }, old.labels, found.labels) && old.labels === null ? null : found.labels;
  const state: Properties = {
    name: found.name,
    serverType: found.server_type.name,
    location: found.location.name,
    labels,
    status: found.status,
    backupWindow: found.backup_window ?? "",
    backups: Boolean(found.backup_window),
    deleteProtection: found.protection.delete,
    rebuildProtection: found.protection.rebuild,
    primaryDiskSize: found.primary_disk_size,
    firewallIds: firewalls.map(({ id }) => id),
    ipv4Address: ipv4?.ip ?? null,
    ipv6Address: ipv6 ? `${ipv6.ip.replace(/\/\d+$/, "")}1` : null,
    ipv6Network: ipv6?.ip ?? "<nil>",
    placementGroupId: found.placement_group?.id ?? 0,
    networks: [],
    iso: null,
    datacenter: null,
  };
  if (hasUnknown(old.publicNets)) state.publicNets = [];
  if (found.image) {
    const { id, name } = found.image;
    state.image = name && String(id) !== old.image ? name : String(id);
  }
  return state;
}
