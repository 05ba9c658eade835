import type { MachineFirewall, ServerDriver } from "./driver.ts";
import { packetRule } from "./firewall-rules.ts";
import { matches, parseSelector } from "./labels.ts";
import { type FirewallRecord, firewallRecords, type ServerRecord, serverRecords } from "./records.ts";
import { StateSync } from "./state-sync.ts";
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
function packetRules(
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
export class FirewallSync extends StateSync {
  constructor(store: Store, driver: ServerDriver) {
    super(() => driver.setFirewalls(packetRules(serverRecords(store).all(), firewallRecords(store).all())));
  }
}
