import type { CheckFailure, Properties } from "../../../provider/framework/types.ts";
import type { Json } from "./api.ts";
import { actionsOf } from "./api.ts";
import { labelFault, problem } from "./check.ts";
import { settleInTurn } from "./entity.ts";
import { sdkWords } from "./errors.ts";
import type { CloudResource, Work } from "./resource.ts";
import { type Farewell, imageFarewell, typeFarewell } from "./server-deprecation.ts";
import {
  findServer,
  requireImage,
  requirePlacementGroup,
  requireServerType,
  type Server,
} from "./server-lookups.ts";
import { blocksOf, joinInline, networkFailures, networksState } from "./server-networks.ts";
import { keysOf, powerOn, setBackups, setIso, setProtection, setRescue } from "./server-steps.ts";
import { SERVER } from "./server-table.ts";
import { shutDownFirst, updateServer } from "./server-update.ts";

/** `hcloud:index/server:Server`. */
export const server: CloudResource = {
  half: "sdk",
  words: sdkWords,
  attributes: SERVER,

  validate(inputs, call) {
    const label = labelFault(inputs.labels);
    const failures: CheckFailure[] = label ? [problem(call.name, "labels", label.words)] : [];
    if (inputs.image === "")
      failures.push(
        problem(
          call.name,
          "image",
          '"image" must have more than 0 characters. Have you set the name instead of an ID?',
        ),
      );
    const keys = Array.isArray(inputs.sshKeys) ? inputs.sshKeys : [];
    for (const [index, key] of keys.entries())
      if (key === "")
        failures.push(
          problem(
            call.name,
            `sshKeys[${index}]`,
            "Invalid ssh key passed. You need to pass a string with at least 1 character",
          ),
        );
    return [...failures, ...networkFailures(inputs)];
  },

  async create(work, exists) {
    const { api, wanted, signal } = work;
    const { body, sshKeys } = await order(work);
    const answer = await api.post("/servers", body, signal);
    const found = answer.server as Server;
    exists(String(found.id));
    await settleInTurn(answer, work);
    const networks = blocksOf(wanted.networks);
    for (const block of networks) await joinInline(found.id, block, work);
    if (networks.length > 0 && withoutNet(wanted)) await powerOn(found.id, work);
    await setBackups(found, work);
    if (wanted.iso) await setIso(found, work);
    if (wanted.rescue) await setRescue(found, sshKeys, work);
    if (wanted.deleteProtection || wanted.rebuildProtection) await setProtection(found.id, work);
    return undefined;
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

async function order(work: Work): Promise<{ body: Json; sshKeys: number[] }> {
  const { api, inputs, wanted, signal, warn } = work;
  const now = new Date();
  const type = await requireServerType(String(wanted.serverType), api, signal);
  const image = await requireImage(String(wanted.image ?? ""), type.architecture, api, signal);
  heed(
    imageFarewell(image, now),
    (words, refused) => (refused ? `Image Unavailable: ${words}.` : `Image Deprecated: ${words}.`),
    warn,
  );
  const location = wanted.location ? String(wanted.location) : undefined;
  heed(typeFarewell(type, location, now), (words) => `${words}: ${TYPE_ADVICE}`, warn);
  const sshKeys = await keysOf(work);
  const labels = (wanted.labels ?? {}) as Properties;
  const firewalls = Array.isArray(wanted.firewallIds) ? wanted.firewallIds : [];
  const group =
    wanted.placementGroupId && (await requirePlacementGroup(wanted.placementGroupId, api, signal));
  const [net] = blocksOf(wanted.publicNets);
  const body = {
    name: wanted.name,
    server_type: wanted.serverType,
    image: image.id,
    ...(sshKeys.length > 0 && { ssh_keys: sshKeys }),
    ...(location !== undefined && { location }),
    ...(inputs.userData ? { user_data: inputs.userData } : {}),
    // It waits for its networks, unless it has none.
    ...(withoutNet(wanted) && blocksOf(wanted.networks).length > 0 && { start_after_create: false }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(firewalls.length > 0 && { firewalls: firewalls.map((firewall) => ({ firewall })) }),
    ...(group && { placement_group: group }),
    ...(net && { public_net: publicNetBody(net) }),
  };
  return { body, sshKeys };
}

const TYPE_ADVICE =
  'Existing servers of that plan will continue to work as before and no action is required on your part. It is possible to migrate this Server to another Server Type by using the "hcloud server change-type" command.';

/** Warns of what is going, and refuses what is gone. */
function heed(
  farewell: Farewell | undefined,
  worded: (words: string, refused: boolean) => string,
  warn: (message: string) => void,
): void {
  if (!farewell) return;
  const message = worded(farewell.words, farewell.refused);
  if (farewell.refused) throw new Error(message);
  warn(message);
}

function withoutNet(wanted: Properties): boolean {
  const [net] = blocksOf(wanted.publicNets);
  return net !== undefined && !net.ipv4Enabled && !net.ipv6Enabled && !net.ipv4 && !net.ipv6;
}

function publicNetBody(net: Properties): Json {
  return {
    enable_ipv4: Boolean(net.ipv4Enabled || net.ipv4),
    enable_ipv6: Boolean(net.ipv6Enabled || net.ipv6),
    ...(net.ipv4 ? { ipv4: net.ipv4 } : {}),
    ...(net.ipv6 ? { ipv6: net.ipv6 } : {}),
  };
}

/** The cloud's side of a server's state; `old` says how the program wrote image and networks. */
function stateOf(found: Server, old: Properties): Properties {
  const { ipv4, ipv6, firewalls } = found.public_net;
  const networks = networksState(found, old);
  const state: Properties = {
    name: found.name,
    serverType: found.server_type.name,
    location: found.location.name,
    labels: found.labels,
    status: found.status,
    backupWindow: found.backup_window ?? "",
    backups: Boolean(found.backup_window),
    deleteProtection: found.protection.delete,
    rebuildProtection: found.protection.rebuild,
    primaryDiskSize: found.primary_disk_size,
    firewallIds: firewalls.map(({ id }) => id),
    ipv4Address: ipv4?.ip ?? "",
    ipv6Address: ipv6 ? `${ipv6.ip.replace(/\/\d+$/, "")}1` : "",
    ipv6Network: ipv6?.ip ?? "<nil>",
    placementGroupId: found.placement_group?.id ?? 0,
    ...(networks && { networks }),
    datacenter: null,
  };
  if (found.image) {
    const { id, name } = found.image;
    state.image = name && String(id) !== old.image ? name : String(id);
  }
  return state;
}
