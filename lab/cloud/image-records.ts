import type { Architecture } from "./catalogue.ts";
import type { Labels } from "./labels.ts";
import type { Collection, Item, Store } from "./store.ts";

/** An image made from a server. Its name is always null. */
export interface ImageRecord extends Item {
  status: "creating" | "available" | "unavailable";
  type: "snapshot" | "backup";
  description: string;
  /** GB in the storage; null while it is made. */
  image_size: number | null;
  /** GB of the disk it was taken from. */
  disk_size: number;
  created_from: { id: number; name: string };
  /** The server a backup goes with. */
  bound_to: number | null;
  os_flavor: string;
  os_version: string | null;
  architecture: Architecture;
  protection: { delete: boolean };
  /** When it was deleted; kept only while a server is shown with it. */
  deleted: string | null;
  labels: Labels;
}

export const imageRecords = (store: Store): Collection<ImageRecord> => store.collection("images");

/** The images that are still there. */
export const liveImages = (store: Store): ImageRecord[] =>
  imageRecords(store)
    .all()
    .filter(({ deleted }) => deleted === null);
