import { floatingIpRecords } from "./floating-ip-records.ts";
import { primaryIpRecords } from "./records.ts";
import type { Store } from "./store.ts";

/** Every public address that is held by something. */
export function addressesInUse(store: Store): Set<string> {
  return new Set([...primaryIpRecords(store).all(), ...floatingIpRecords(store).all()].map(({ ip }) => ip));
}
