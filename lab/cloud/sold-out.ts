import type { Collection, Item, Store } from "./store.ts";

/** A server type that is sold out in one location. */
interface SoldOutRecord extends Item {
  server_type: string;
  location: string;
}

const records = (store: Store): Collection<SoldOutRecord> => store.collection("sold_out");

export interface SoldOut {
  server_type: string;
  location: string;
}

/** What is sold out by order of the lab's user. */
export function soldOut(store: Store): SoldOut[] {
  return records(store)
    .all()
    .map(({ server_type, location }) => ({ server_type, location }));
}

export function setSoldOut(store: Store, { server_type, location }: SoldOut, isSoldOut: boolean): void {
  const all = records(store);
  const known = all.all().find((one) => one.server_type === server_type && one.location === location);
  if (isSoldOut && known === undefined) {
    all.add({ server_type, location });
  } else if (!isSoldOut && known !== undefined) {
    all.remove(known);
  }
}
