import type { MachineFirewall, ServerDriver } from "./driver.ts";
import { packetRule } from "./firewall-rules.ts";
import { matches, parseSelector } from "./labels.ts";
import { type FirewallRecord, firewallRecords, type ServerRecord, serverRecords } from "./records.ts";
import type { Store } from "./store.ts";

/** The firewalls in force for a server: applied to it by name or by its labels. */
export function firewallsOf(server: ServerRecord, firewalls: readonly FirewallRecord[]): FirewallRecord[] {
  return firewalls.filter((firewall) => firewall.applied_to.some((target) => hits(target, server)));
}

export function hits(
  target: FirewallRecord["applied_to"][number],
  server: Pick<ServerRecord, "id" | "labels">,
): boolean {
  return target.type === "server"
    ? target.server.id === server.id
    : matches(server.labels, parseSelector(target.label_selector.selector));
}

/** What the driver has to enforce: for each machine the union of its firewalls' rules, or null when none applies. */
export function packetRules(
  servers: readonly ServerRecord[],
  firewalls: readonly FirewallRecord[],
): MachineFirewall[] {
  return servers
    .filter((server) => server.has_machine)
    .map((server) => {
      const applied = firewallsOf(server, firewalls);
      return {
        id: server.id,
        rules: applied.length === 0 ? null : applied.flatMap(({ rules }) => rules.map(packetRule)),
      };
    });
}

/** Hands the rules of all servers to the driver, one change after the other. */
export class FirewallSync {
  readonly #store: Store;
  readonly #driver: ServerDriver;
  #last: Promise<void> = Promise.resolve();
  #pending: Promise<void> | undefined;

  constructor(store: Store, driver: ServerDriver) {
    this.#store = store;
    this.#driver = driver;
  }

  /** Resolves when the driver enforces what the store holds now, or something newer. */
  push(): Promise<void> {
    this.#pending ??= this.#next();
    return this.#pending;
  }

  #next(): Promise<void> {
    const run = this.#last
      .catch(() => undefined)
      .then(() => {
        this.#pending = undefined;
        const servers = serverRecords(this.#store).all();
        return this.#driver.setFirewalls(packetRules(servers, firewallRecords(this.#store).all()));
      });
    this.#last = run;
    return run;
  }
}
