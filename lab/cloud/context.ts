import type { Actions } from "./actions.ts";
import type { BalancerSync } from "./balancer-sync.ts";
import type { Architecture, Catalogue } from "./catalogue.ts";
import type { LabNetwork, ServerDriver } from "./driver.ts";
import type { FirewallSync } from "./firewall-sync.ts";
import type { StateSync } from "./state-sync.ts";
import type { Store } from "./store.ts";
import type { ZoneSync } from "./zone-sync.ts";

/** What a driver can boot; the cloud refuses to order anything else. */
export interface Bootable {
  images: readonly string[];
  architectures: readonly Architecture[];
}

/** Everything the resources of the cloud share. */
export interface Cloud {
  store: Store;
  actions: Actions;
  driver: ServerDriver;
  firewalls: FirewallSync;
  /** Servers' interfaces in private networks. */
  privateNetworks: StateSync;
  volumes: StateSync;
  floatingIps: StateSync;
  balancers: BalancerSync;
  zones: ZoneSync;
  /** Addresses the driver lets us hand out. */
  network: LabNetwork;
  /** Null when the driver does not care. */
  bootable: Bootable | null;
  /** The catalogue as of now. */
  catalogue(): Catalogue;
  now(): Date;
  /** Speak of datacenters as before July 2026, for clients that still need them. */
  legacyDatacenter: boolean;
  /** Milliseconds a guest gets to shut down before a reboot is given up. */
  shutdownPatience: number;
  log(line: string): void;
}
