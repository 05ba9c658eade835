import type { Health, HealthStatus } from "./balancer-sync.ts";
import { includedTrafficBytes } from "./catalogue-data.ts";
import type { Cloud } from "./context.ts";
import { formatAddress, networkOf, parseCidr } from "./ip.ts";
import type {
  BalancerServiceRecord,
  BalancerTargetRecord,
  LoadBalancerRecord,
} from "./load-balancer-records.ts";
import { type Destination, destinationsOf, liveTargets, networkOfBalancer } from "./load-balancer-targets.ts";
import { membershipsOf } from "./network-records.ts";
import { pointersOf } from "./primary-ips.ts";

/** A load balancer as the API shows it; everything but the record is derived. */
export async function loadBalancerView(cloud: Cloud, balancer: LoadBalancerRecord): Promise<object> {
  const catalogue = cloud.catalogue();
  const health = await cloud.balancers.health();
  return {
    id: balancer.id,
    name: balancer.name,
    public_net: publicNet(balancer),
    private_net: membershipsOf(cloud.store, "load_balancer", balancer.id).map(({ network, member }) => ({
      network: network.id,
      ip: member.ip,
    })),
    location: catalogue.location(balancer.location),
    load_balancer_type: catalogue.loadBalancerType(balancer.load_balancer_type),
    protection: balancer.protection,
    labels: balancer.labels,
    created: balancer.created,
    algorithm: { type: balancer.algorithm },
    services: balancer.services.map(serviceView),
    targets: liveTargets(cloud.store, balancer.targets).map((target) =>
      targetView(cloud, balancer, target, health),
    ),
    included_traffic: includedTrafficBytes,
    outgoing_traffic: 0,
    ingoing_traffic: 0,
  };
}

/** The address a load balancer has of its /64. */
export function ipv6Of({ ipv6 }: Pick<LoadBalancerRecord, "ipv6">): string {
  const cidr = parseCidr(ipv6);
  return cidr === undefined ? ipv6 : formatAddress({ family: 6, value: networkOf(cidr).value + 1n });
}

function publicNet(balancer: LoadBalancerRecord): object {
  const { ipv4, dns_ptr } = balancer;
  const ipv6 = ipv6Of(balancer);
  const set = (ip: string) => dns_ptr.find((pointer) => pointer.ip === ip);
  const own = set(ipv4);
  const [named] = pointersOf({ type: "ipv4", ip: ipv4, dns_ptr: own ? [own] : [] });
  return {
    enabled: balancer.public_interface,
    ipv4: { ip: ipv4, dns_ptr: named?.dns_ptr ?? null },
    ipv6: { ip: ipv6, dns_ptr: set(ipv6)?.dns_ptr ?? null },
  };
}

function serviceView({ http, health_check, ...service }: BalancerServiceRecord): object {
  const { http: httpCheck, ...check } = health_check;
  return {
    ...service,
    ...(http ? { http } : {}),
    health_check: { ...check, ...(httpCheck ? { http: httpCheck } : {}) },
  };
}

type HealthEntry = { listen_port: number; status: HealthStatus };

function targetView(
  cloud: Cloud,
  balancer: LoadBalancerRecord,
  target: BalancerTargetRecord,
  health: Health,
): object {
  const network = networkOfBalancer(cloud.store, balancer.id);
  const destinations = destinationsOf(cloud.store, target, network);
  const statusOf = (address: string | undefined): HealthEntry[] =>
    balancer.services.map(({ listen_port }) => ({
      listen_port,
      status: address === undefined ? "unknown" : health(balancer.id, address, listen_port),
    }));
  if (target.type === "ip") {
    return { ...target, health_status: statusOf(target.ip.ip) };
  }
  const serverTarget = (id: number, address: string | undefined) => ({
    type: "server",
    server: { id, ip: address ?? "" },
    health_status: statusOf(address),
    use_private_ip: target.use_private_ip,
  });
  if (target.type === "server") {
    return serverTarget(target.server.id, destinations[0]?.address);
  }
  return {
    type: target.type,
    label_selector: target.label_selector,
    use_private_ip: target.use_private_ip,
    targets: destinations.flatMap(({ server, address }: Destination) =>
      server === null ? [] : [serverTarget(server, address)],
    ),
  };
}
