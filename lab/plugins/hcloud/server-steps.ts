import type { Value } from "../../../provider/framework/types.ts";
import { ApiError } from "./errors.ts";
import type { Work } from "./resource.ts";
import { persist, TRIES } from "./retry.ts";
import { requireIso, requirePlacementGroup, type Server, sshKeyIds } from "./server-lookups.ts";

/** Steps that making and changing a server share. */

/** Puts the name of a step before what went wrong in it. */
export async function within<Result>(step: string, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    // The real provider words a refused input anew, without the step.
    const inputs = error instanceof ApiError && error.code === "invalid_input" && error.fields.length > 0;
    if (error instanceof Error && !inputs) error.message = `${step}: ${error.message}`;
    throw error;
  }
}

/** Switches the nightly backups on or off, where they are not as wanted. */
export async function setBackups(found: Server, { api, wanted, signal }: Work): Promise<void> {
  const on = wanted.backups === true;
  if (on === Boolean(found.backup_window)) return;
  await api.act(`/servers/${found.id}/actions/${on ? "enable_backup" : "disable_backup"}`, undefined, signal);
}

/** Takes the ISO that is in out, puts the wanted one in, and resets the server. */
export async function setIso(found: Server, { api, wanted, signal }: Work): Promise<void> {
  const actions = `/servers/${found.id}/actions`;
  if (found.iso) await api.act(`${actions}/detach_iso`, undefined, signal);
  if (wanted.iso) {
    const iso = await requireIso(String(wanted.iso), api, signal);
    if (iso.architecture && iso.architecture !== found.server_type.architecture)
      throw new Error("failed to attach iso: iso has a different architecture than the server");
    await api.act(`${actions}/attach_iso`, { iso: iso.id }, signal);
  }
  if (found.iso || wanted.iso) await api.act(`${actions}/reset`, undefined, signal);
}

/** Enables or disables the rescue system, and resets the server into or out of it. */
export async function setRescue(found: Server, sshKeys: number[], work: Work): Promise<void> {
  const { api, wanted, signal } = work;
  const actions = `/servers/${found.id}/actions`;
  const stubborn = (tries: number, path: string, body?: { [key: string]: Value }) =>
    persist(api, signal, { tries, again: () => true }, () => api.act(path, body, signal));
  await within("hcloud/setRescue", async () => {
    if (found.rescue_enabled) await api.act(`${actions}/disable_rescue`, undefined, signal);
    if (wanted.rescue) {
      const body = { type: wanted.rescue, ...(sshKeys.length > 0 && { ssh_keys: sshKeys }) };
      await stubborn(TRIES, `${actions}/enable_rescue`, body);
    }
    if (found.rescue_enabled || wanted.rescue) await stubborn(2 * TRIES, `${actions}/reset`);
  });
}

/** The ids of the SSH keys a server is ordered with. */
export async function keysOf({ api, wanted, signal }: Work): Promise<number[]> {
  return await sshKeyIds(wanted.sshKeys, api, signal);
}

/** Moves a server out of its placement group and into another; the real provider does it with no running server. */
export async function setPlacementGroup(found: Server, { api, wanted, signal }: Work): Promise<void> {
  const actions = `/servers/${found.id}/actions`;
  if (found.placement_group) {
    if (found.status !== "off")
      throw new Error(
        "removing a running server from a placement group is currently not supported in the provider. You can shutdown the server yourself, apply the changes again and then start the server manually as a workaround",
      );
    await api.act(`${actions}/remove_from_placement_group`, undefined, signal);
  }
  if (!wanted.placementGroupId) return;
  const group = await requirePlacementGroup(wanted.placementGroupId, api, signal);
  await api.act(`${actions}/add_to_placement_group`, { placement_group: group }, signal);
}

/** Both protections at once; the cloud wants them equal. */
export async function setProtection(id: number, { api, wanted, signal }: Work): Promise<void> {
  const body = { rebuild: wanted.rebuildProtection, delete: wanted.deleteProtection };
  await api.act(`/servers/${id}/actions/change_protection`, body, signal);
}

/** Powers a server on, as often as it takes. */
export async function powerOn(id: number, { api, signal }: Pick<Work, "api" | "signal">): Promise<void> {
  await persist(api, signal, { tries: TRIES, again: () => true }, () =>
    api.act(`/servers/${id}/actions/poweron`, undefined, signal),
  );
}
