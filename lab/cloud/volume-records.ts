import type { VolumeSpec } from "./driver.ts";
import type { Labels } from "./labels.ts";
import { serverRecords } from "./records.ts";
import type { Collection, Item, Store } from "./store.ts";

export interface VolumeRecord extends Item {
  name: string;
  status: "creating" | "available";
  /** The server it hangs on. */
  server: number | null;
  /** Catalogue name. */
  location: string;
  /** GB */
  size: number;
  /** Made when the volume was created. */
  format: "ext4" | "xfs" | null;
  labels: Labels;
  protection: { delete: boolean };
}

export const volumeRecords = (store: Store): Collection<VolumeRecord> => store.collection("volumes");

/** The volumes that hang on a server. */
export function volumesOf(store: Store, serverId: number): VolumeRecord[] {
  return volumeRecords(store)
    .all()
    .filter(({ server }) => server === serverId);
}

/** All volumes as the driver keeps them; one whose server has no machine hangs on none. */
export function volumeSpecs(store: Store): VolumeSpec[] {
  return volumeRecords(store)
    .all()
    .map(({ id, size, format, server }) => ({
      id,
      size,
      format,
      server: server !== null && serverRecords(store).get(server)?.has_machine ? server : null,
    }));
}
