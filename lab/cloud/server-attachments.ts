import { z } from "zod";
import type { Action } from "./actions.ts";
import { ensureIdle } from "./busy.ts";
import type { Cloud } from "./context.ts";
import type { ServerDriver } from "./driver.ts";
import { ApiError, refusedField } from "./errors.ts";
import { floatingAddresses, floatingIpRecords, floatingIpsOf } from "./floating-ip-records.ts";
import { addressFor, admit, ensureNetworkAttachable, leaveNetworks } from "./network-members.ts";
import { membershipsOf, type NetworkRecord, networkRecords, privateInterfaces } from "./network-records.ts";
import {
  ensureRoom,
  joinGroup,
  leaveGroup,
  type PlacementGroupRecord,
  placementGroupRecords,
} from "./placement-groups.ts";
import type { ServerRecord } from "./records.ts";
import { StateSync, sendList } from "./state-sync.ts";
import { type Collection, type Item, reason, type Store } from "./store.ts";
import { type VolumeRecord, volumeRecords, volumeSpecs, volumesOf } from "./volume-records.ts";
import { ensureVolumeAttachable, ensureVolumeRoom, startAttach } from "./volumes.ts";

/** What keeps the driver at what the store says of networks, volumes and floating IPs. */
export function attachmentSyncs(
  store: Store,
  driver: ServerDriver,
): Pick<Cloud, "privateNetworks" | "volumes" | "floatingIps"> {
  return {
    privateNetworks: new StateSync(
      sendList(
        () => privateInterfaces(store),
        (list) => driver.setPrivateInterfaces(list),
      ),
    ),
    volumes: new StateSync(
      sendList(
        () => volumeSpecs(store),
        (list) => driver.setVolumes(list),
      ),
    ),
    floatingIps: new StateSync(
      sendList(
        () => floatingAddresses(store),
        (list) => driver.setFloatingAddresses(list),
      ),
    ),
  };
}

/** What an order for a server names beside the server itself. */
export const attachmentFields = {
  networks: z.array(z.int()).nullish(),
  volumes: z.array(z.int()).nullish(),
  automount: z.boolean().nullish(),
  placement_group: z.int().nullish(),
};

interface Order {
  networks?: number[] | null | undefined;
  volumes?: number[] | null | undefined;
  placement_group?: number | null | undefined;
}

export interface Attachments {
  networks: NetworkRecord[];
  volumes: VolumeRecord[];
  group: PlacementGroupRecord | undefined;
}

/** The things an order names; throws when one of them cannot be had, before anything is taken. */
export function chooseAttachments(cloud: Cloud, order: Order, location: string): Attachments {
  const networks: NetworkRecord[] = [];
  for (const id of order.networks ?? []) {
    const network = existing(networkRecords(cloud.store), id, "networks", "network");
    ensureNetworkAttachable(network, networks);
    addressFor(cloud, network, location, {});
    networks.push(network);
  }
  const volumes = [...new Set(order.volumes ?? [])].map((id) => {
    const volume = existing(volumeRecords(cloud.store), id, "volumes", "volume");
    ensureIdle(cloud, { id, type: "volume" }, "locked");
    ensureVolumeAttachable(volume, location, "volumes");
    return volume;
  });
  ensureVolumeRoom(volumes.length);
  const group =
    order.placement_group == null
      ? undefined
      : existing(
          placementGroupRecords(cloud.store),
          order.placement_group,
          "placement_group",
          "placement group",
        );
  if (group !== undefined) {
    ensureRoom(group);
  }
  return { networks, volumes, group };
}

/** Gives a new server its places in networks and its group, in the store alone. */
export function takeAttachments(cloud: Cloud, server: ServerRecord, { networks, group }: Attachments): void {
  for (const network of networks) {
    admit(cloud, network, { type: "server", id: server.id }, server.location);
  }
  if (group !== undefined) {
    joinGroup(cloud, group, server.id);
  }
}

/** Hangs the ordered volumes on a new server, one after the other. */
export function startAttachments(
  cloud: Cloud,
  server: ServerRecord,
  { volumes }: Attachments,
  created: Action,
): Action[] {
  let last = created;
  return volumes.map((volume) => {
    last = startAttach(cloud, volume, server, last);
    return last;
  });
}

/** Tells the driver what a server has that has just got its machine. */
export async function plugAttachments(cloud: Cloud, server: ServerRecord): Promise<void> {
  if (membershipsOf(cloud.store, "server", server.id).length > 0) {
    await cloud.privateNetworks.push();
  }
  if (floatingIpsOf(cloud.store, server.id).length > 0) {
    await cloud.floatingIps.push();
  }
}

/** Takes everything off a server whose machine is gone. */
export async function releaseAttachments(cloud: Cloud, serverId: number): Promise<void> {
  leaveGroup(cloud, serverId);
  const stale: StateSync[] = [];
  if (leaveNetworks(cloud, "server", serverId)) {
    stale.push(cloud.privateNetworks);
  }
  const volumes = volumesOf(cloud.store, serverId);
  for (const volume of volumes) {
    volumeRecords(cloud.store).change(volume, { server: null });
  }
  const floatingIps = floatingIpsOf(cloud.store, serverId);
  for (const floatingIp of floatingIps) {
    floatingIpRecords(cloud.store).change(floatingIp, { server: null });
  }
  stale.push(...(volumes.length > 0 ? [cloud.volumes] : []));
  stale.push(...(floatingIps.length > 0 ? [cloud.floatingIps] : []));
  for (const sync of stale) {
    try {
      await sync.push();
    } catch (error) {
      throw new ApiError(
        "service_error",
        `the server is gone, but what was attached to it could not be taken off: ${reason(error)}`,
      );
    }
  }
}

/** Brings the driver to what the store says, before any server starts. Call once at start. */
export async function resumeAttachments(cloud: Cloud): Promise<void> {
  for (const volume of volumeRecords(cloud.store).all()) {
    // Made by the push below if the last process did not live to see it made.
    volumeRecords(cloud.store).change(volume, { status: "available" });
  }
  const syncs = {
    "private networks": cloud.privateNetworks,
    volumes: cloud.volumes,
    "floating IPs": cloud.floatingIps,
  };
  for (const [what, sync] of Object.entries(syncs)) {
    try {
      await sync.push();
    } catch (error) {
      cloud.log(`cloud: the ${what} could not be set up again: ${reason(error)}`);
    }
  }
}

function existing<T extends Item>(records: Collection<T>, id: number, field: string, what: string): T {
  const found = records.get(id);
  if (found === undefined) {
    throw refusedField(field, `${what} with ID '${id}' not found`);
  }
  return found;
}
