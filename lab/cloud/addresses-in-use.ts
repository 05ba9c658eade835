import { floatingIpRecords } from "./floating-ip-records.ts";
import { loadBalancerRecords } from "./load-balancer-records.ts";
import { primaryIpRecords } from "./records.ts";
import type { Store } from "./store.ts";

/** Every public address that is held by something. */
export function addressesInUse(store: Store): Set<string> {
  const balancers = loadBalancerRecords(store).all();
  return new Set([
    ...[...primaryIpRecords(store).all(), ...floatingIpRecords(store).all()].map(({ ip }) => ip),
    ...balancers.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]),
  ]);
}
