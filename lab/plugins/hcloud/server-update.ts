import pRetry, { AbortError } from "p-retry";
import type { Properties } from "../../../provider/framework/types.ts";
import { standInRefusal } from "../notice.ts";
import type { Api } from "./api.ts";
import type { Work } from "./resource.ts";
import { same } from "./schema.ts";
import { findServer, type Server, sshKeyIds } from "./server-lookups.ts";
import { SERVER } from "./server-table.ts";

/** Changes a server in place, in the order of the real provider. */
export async function updateServer(id: string, old: Properties, work: Work): Promise<undefined> {
  const { api, wanted, signal } = work;
  const found = await findServer(id, api, signal);
  if (!found) throw new Error(`server with ID '${id}' not found`);
  const changed = (name: string) => {
    const attribute = SERVER[name];
    return attribute !== undefined && !same(attribute, old[name], wanted[name]);
  };
  const actions = `/servers/${id}/actions`;

  if (changed("publicNets"))
    throw new Error(standInRefusal("hcloud", "changed publicNets of a server in place"));
  if (changed("name")) await api.put(`/servers/${id}`, { name: wanted.name }, signal);
  if (changed("labels")) await api.put(`/servers/${id}`, { labels: wanted.labels ?? {} }, signal);
  if (changed("serverType")) {
    if (found.status === "running") await api.act(`${actions}/poweroff`, undefined, signal);
    const body = { server_type: wanted.serverType, upgrade_disk: !wanted.keepDisk };
    // The server stays off: the real provider does not power it on again.
    await api.act(`${actions}/change_type`, body, signal);
  }
  if (changed("backups"))
    await api.act(`${actions}/${wanted.backups ? "enable_backup" : "disable_backup"}`, undefined, signal);
  if (changed("rescue")) await changeRescue(actions, found, work);
  if (changed("firewallIds")) await changeFirewalls(found, work);
  if (changed("deleteProtection") || changed("rebuildProtection")) {
    const body = { rebuild: wanted.rebuildProtection, delete: wanted.deleteProtection };
    await api.act(`${actions}/change_protection`, body, signal);
  }
}

async function changeRescue(actions: string, _found: Server, { api, wanted, signal }: Work): Promise<void> {
  if (!wanted.rescue) {
    await api.act(`${actions}/disable_rescue`, undefined, signal);
  } else {
    const keys = await sshKeyIds(wanted.sshKeys, api, signal);
    const body = { type: wanted.rescue, ...(keys.length > 0 && { ssh_keys: keys }) };
    await api.act(`${actions}/enable_rescue`, body, signal);
  }
  await api.act(`${actions}/reset`, undefined, signal);
}

/** Compares with what the server has, not with the state. */
async function changeFirewalls(found: Server, { api, wanted, signal }: Work): Promise<void> {
  const targets = [{ type: "server", server: { id: found.id } }];
  const has = found.public_net.firewalls.map(({ id }) => id);
  const wants = (wanted.firewallIds as number[] | null) ?? [];
  for (const id of has.filter((one) => !wants.includes(one)))
    await api.act(`/firewalls/${id}/actions/remove_from_resources`, { remove_from: targets }, signal);
  for (const id of wants.filter((one) => !has.includes(one)))
    await api.act(`/firewalls/${id}/actions/apply_to_resources`, { apply_to: targets }, signal);
}

/** Asks the server to shut down and gives it half a minute; after that it is deleted all the same. */
export async function shutDownFirst(
  id: string,
  api: Api,
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<void> {
  await api.act(`/servers/${id}/actions/shutdown`, undefined, signal);
  const look = async () => {
    const answer = await api.get(`/servers/${id}`, signal).catch((error: Error) => {
      throw new AbortError(error);
    });
    if ((answer.server as Server).status !== "off") throw new Error("server has not shut down yet");
  };
  await pRetry(look, { retries: 4, factor: 2, minTimeout: 1000, maxTimeout: 8000, signal }).catch(() => {
    signal.throwIfAborted();
    warn(`Server id ${id} did not finish shutting down gracefully in time, deleting it anyways.`);
  });
}
