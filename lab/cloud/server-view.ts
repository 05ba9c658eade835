import { includedTrafficBytes } from "./catalogue-data.ts";
import type { Cloud } from "./context.ts";
import { firewallsOf } from "./firewall-sync.ts";
import { floatingIpsOf } from "./floating-ip-records.ts";
import { imageOfServer } from "./images.ts";
import { isoOf } from "./isos.ts";
import { balancersOf } from "./load-balancer-targets.ts";
import { privateNet } from "./network-members.ts";
import { legacyDatacenter } from "./place.ts";
import { groupOf } from "./placement-groups.ts";
import { addressesOf, pointersOf } from "./primary-ips.ts";
import { firewallRecords, type ServerRecord } from "./records.ts";
import { rescueEnabled } from "./rescue.ts";
import { statusNow } from "./server-power.ts";
import { volumesOf } from "./volume-records.ts";

/** A server as the API shows it; everything but the record is derived. */
export async function serverView(cloud: Cloud, server: ServerRecord): Promise<object> {
  const status = await statusNow(cloud, server);
  const catalogue = cloud.catalogue();
  const type = catalogue.serverType(server.server_type);
  const location = catalogue.location(server.location);
  return {
    id: server.id,
    name: server.name,
    status,
    created: server.created,
    public_net: publicNet(cloud, server),
    private_net: privateNet(cloud, server.id),
    server_type: type,
    ...legacyDatacenter(cloud, server.location),
    location,
    image: imageOfServer(cloud, server.image),
    iso: isoOf(cloud, server),
    rescue_enabled: rescueEnabled(cloud, server),
    locked: cloud.actions.isLocked(server.id),
    backup_window: server.backup_window,
    outgoing_traffic: 0,
    ingoing_traffic: 0,
    included_traffic: includedTrafficBytes,
    protection: server.protection,
    labels: server.labels,
    volumes: volumesOf(cloud.store, server.id).map(({ id }) => id),
    load_balancers: balancersOf(cloud.store, server.id),
    primary_disk_size: server.primary_disk_size,
    placement_group: groupOf(cloud, server.id) ?? null,
  };
}

function publicNet(cloud: Cloud, server: ServerRecord): object {
  const { ipv4, ipv6 } = addressesOf(cloud, server.id);
  return {
    ipv4: ipv4
      ? { id: ipv4.id, ip: ipv4.ip, blocked: false, dns_ptr: pointersOf(ipv4)[0]?.dns_ptr ?? "" }
      : null,
    ipv6: ipv6 ? { id: ipv6.id, ip: ipv6.ip, blocked: false, dns_ptr: pointersOf(ipv6) } : null,
    floating_ips: floatingIpsOf(cloud.store, server.id).map(({ id }) => id),
    firewalls: firewallsOf(server, firewallRecords(cloud.store).all()).map(({ id }) => ({
      id,
      status: server.has_machine ? "applied" : "pending",
    })),
  };
}
