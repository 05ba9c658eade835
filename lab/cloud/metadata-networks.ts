import { Document, isMap, isSeq } from "yaml";
import { gatewayOf, subnetOf } from "./network-ranges.ts";
import { membershipsOf, networkRecords } from "./network-records.ts";
import type { Store } from "./store.ts";

/** `private-networks` as a server learns of them, in Hetzner's YAML; empty without any. */
export function privateNetworksText(store: Store, serverId: number): string {
  const networks = membershipsOf(store, "server", serverId).map(({ network, member }, index) => ({
    ip: member.ip,
    alias_ips: member.alias_ips,
    interface_num: index + 1,
    mac_address: member.mac,
    network_id: network.id,
    network_name: network.name,
    network: network.ip_range,
    subnet: subnetOf(network, member.ip)?.ip_range ?? "",
    gateway: gatewayOf(network),
  }));
  if (networks.length === 0) {
    return "";
  }
  const text = new Document(networks);
  for (const item of isSeq(text.contents) ? text.contents.items : []) {
    const aliases = isMap(item) ? item.get("alias_ips") : undefined;
    if (isSeq(aliases)) {
      // One line, as at Hetzner, because shell scripts read it line by line.
      aliases.flow = true;
    }
  }
  return text.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The address in the network a server came into first; empty without any. */
export function localIpv4(store: Store, serverId: number): string {
  return membershipsOf(store, "server", serverId)[0]?.member.ip ?? "";
}

/** The server whose private address it is; undefined when servers of several networks have it. */
export function serverAtPrivateAddress(store: Store, address: string): number | undefined {
  const holders = networkRecords(store)
    .all()
    .flatMap(({ members }) => members)
    .filter(({ type, ip, alias_ips }) => type === "server" && [ip, ...alias_ips].includes(address));
  return holders.length === 1 ? holders[0]?.id : undefined;
}
