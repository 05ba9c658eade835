import pRetry, { AbortError } from "p-retry";
import type { Properties } from "../../../provider/framework/types.ts";
import type { Api } from "./api.ts";
import { Gone } from "./errors.ts";
import type { Work } from "./resource.ts";
import { TRIES } from "./retry.ts";
import { same } from "./schema.ts";
import { changeAddresses } from "./server-addresses.ts";
import { findServer, type Server } from "./server-lookups.ts";
import { changeNetworks } from "./server-networks.ts";
import { keysOf, setBackups, setIso, setPlacementGroup, setProtection, setRescue } from "./server-steps.ts";
import { SERVER } from "./server-table.ts";

/** Changes a server in place, in the order of the real provider. */
export async function updateServer(id: string, old: Properties, work: Work): Promise<undefined> {
  const { api, wanted, signal } = work;
  const found = await findServer(id, api, signal);
  if (!found) throw new Gone();
  const changed = (name: string) => {
    const attribute = SERVER[name];
    return attribute !== undefined && !same(attribute, old[name], wanted[name]);
  };

  if (changed("name")) await api.put(`/servers/${id}`, { name: wanted.name }, signal);
  if (changed("labels")) await api.put(`/servers/${id}`, { labels: wanted.labels ?? {} }, signal);
  if (changed("serverType")) await changeType(found, work);
  if (changed("backups")) await setBackups(found, work);
  if (changed("iso")) await setIso(found, work);
  if (changed("rescue")) await setRescue(found, await keysOf(work), work);
  if (changed("networks")) await changeNetworks(found, work);
  if (changed("firewallIds")) await changeFirewalls(found, work);
  if (changed("publicNets")) await changeAddresses(found, old, work);
  if (changed("placementGroupId")) await setPlacementGroup(found, work);
  if (changed("deleteProtection") || changed("rebuildProtection")) await setProtection(found.id, work);
}

/** The server stays off: the real provider does not power it on again. */
async function changeType({ id, status }: Server, { api, wanted, signal }: Work): Promise<void> {
  const actions = `/servers/${id}/actions`;
  if (status === "running") await api.act(`${actions}/poweroff`, undefined, signal);
  const body = { server_type: wanted.serverType, upgrade_disk: !wanted.keepDisk };
  await api.act(`${actions}/change_type`, body, signal);
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
  const waits = { retries: TRIES - 1, factor: 2, minTimeout: api.patience, maxTimeout: 8 * api.patience };
  await pRetry(look, { ...waits, signal }).catch(() => {
    signal.throwIfAborted();
    warn(`Server id ${id} did not finish shutting down gracefully in time, deleting it anyways.`);
  });
}
