import { z } from "zod";
import { addressWithin } from "./addresses.ts";
import { addressesInUse } from "./addresses-in-use.ts";
import type { Cloud } from "./context.ts";
import { ApiError, refusedField } from "./errors.ts";
import { contains, formatAddress, parseAddress, parseCidr } from "./ip.ts";
import { matches, parseSelector } from "./labels.ts";
import {
  type BalancerTargetRecord,
  type LoadBalancerRecord,
  loadBalancerRecords,
} from "./load-balancer-records.ts";
import { memberOf, membershipsOf, type NetworkRecord } from "./network-records.ts";
import { primaryIpRecords, type ServerRecord, serverRecords } from "./records.ts";
import type { Store } from "./store.ts";

export const targetBody = z
  .object({
    type: z.enum(["server", "label_selector", "ip"]),
    server: z.object({ id: z.int(), ip: z.string().nullish() }).nullish(),
    label_selector: z.object({ selector: z.string().min(1).max(1000) }).nullish(),
    ip: z.object({ ip: z.string() }).nullish(),
    use_private_ip: z.boolean().nullish(),
  })
  .transform(({ type, server, label_selector, ip, ...rest }, context): BalancerTargetRecord => {
    const use_private_ip = rest.use_private_ip ?? false;
    if (type === "server" && server) {
      return { type, server: { id: server.id, ip: server.ip || null }, use_private_ip };
    }
    if (type === "label_selector" && label_selector) {
      return { type, label_selector, use_private_ip };
    }
    if (type === "ip" && ip) {
      return { type, ip };
    }
    context.addIssue({ code: "custom", path: [type], message: "is required" });
    return z.NEVER;
  });

/** Where connections go. */
export interface Destination {
  /** Null for an IP target. */
  server: number | null;
  address: string;
}

/** What targets are looked up for: a load balancer, or one that is being ordered. */
export type Balancer = Pick<LoadBalancerRecord, "targets" | "public_interface"> & {
  network: NetworkRecord | undefined;
};

/** The network a load balancer is in; it can be in one only. */
export function networkOfBalancer(store: Store, id: number): NetworkRecord | undefined {
  return membershipsOf(store, "load_balancer", id)[0]?.network;
}

/** The targets whose servers are still there. */
export function liveTargets(store: Store, targets: readonly BalancerTargetRecord[]): BalancerTargetRecord[] {
  return targets.filter(
    (target) => target.type !== "server" || serverRecords(store).get(target.server.id) !== undefined,
  );
}

/** The addresses a target stands for now; none where a server has no address of the wanted kind. */
export function destinationsOf(
  store: Store,
  target: BalancerTargetRecord,
  network: NetworkRecord | undefined,
): Destination[] {
  switch (target.type) {
    case "ip":
      return [{ server: null, address: target.ip.ip }];
    case "server": {
      const server = serverRecords(store).get(target.server.id);
      return server === undefined ? [] : destinationOf(store, server, target, network, target.server.ip);
    }
    case "label_selector": {
      const selector = parseSelector(target.label_selector.selector);
      return serverRecords(store)
        .all()
        .filter(({ labels }) => matches(labels, selector))
        .flatMap((server) => destinationOf(store, server, target, network, null));
    }
  }
}

function destinationOf(
  store: Store,
  server: ServerRecord,
  { use_private_ip }: { use_private_ip: boolean },
  network: NetworkRecord | undefined,
  ip: string | null,
): Destination[] {
  const address = use_private_ip
    ? network && memberOf(network, "server", server.id)?.ip
    : (ip ?? publicAddress(store, server.id, "ipv4"));
  return address === undefined ? [] : [{ server: server.id, address }];
}

function publicAddress(store: Store, serverId: number, type: "ipv4" | "ipv6"): string | undefined {
  return primaryIpRecords(store)
    .all()
    .find((record) => record.assignee_id === serverId && record.type === type)?.ip;
}

/** The target as it is kept; throws when it cannot be added. */
export function fittingTarget(
  cloud: Cloud,
  balancer: Balancer,
  target: BalancerTargetRecord,
): BalancerTargetRecord {
  if (target.type === "label_selector") {
    parseSelector(target.label_selector.selector, "label_selector");
  }
  if (balancer.targets.some((other) => sameTarget(other, target))) {
    throw new ApiError("target_already_defined", "the target is already defined");
  }
  if (target.type === "ip") {
    return { type: "ip", ip: { ip: fittingIp(cloud, balancer, target.ip.ip) } };
  }
  if (target.use_private_ip && balancer.network === undefined) {
    throw new ApiError("load_balancer_not_attached_to_network", "load balancer is not attached to a network");
  }
  if (!target.use_private_ip && !balancer.public_interface) {
    throw new ApiError(
      "load_balancer_public_interface_disabled",
      "the public interface of the load balancer is disabled; use private IPs",
    );
  }
  return target.type === "server" ? fittingServer(cloud, balancer, target) : target;
}

function fittingServer(
  { store }: Cloud,
  { network }: Balancer,
  target: BalancerTargetRecord & { type: "server" },
): BalancerTargetRecord {
  const { id, ip } = target.server;
  if (serverRecords(store).get(id) === undefined) {
    throw refusedField("server", `server with ID '${id}' not found`);
  }
  if (target.use_private_ip) {
    if (ip !== null) {
      throw refusedField("server.ip", "server.ip is for public targets only");
    }
    if (network === undefined || memberOf(network, "server", id) === undefined) {
      throw new ApiError(
        "resolve_cloud_private_targets_error",
        `server with ID '${id}' is not attached to the load balancer's network`,
      );
    }
    return target;
  }
  const ipv4 = publicAddress(store, id, "ipv4");
  const ipv6 = publicAddress(store, id, "ipv6");
  if (ip !== null && ip !== ipv4) {
    const within = ipv6 === undefined ? undefined : addressWithin(ipv6, ip);
    if (within === undefined) {
      throw new ApiError("ip_not_assigned_to_server", `IP '${ip}' is not assigned to server with ID '${id}'`);
    }
    return { ...target, server: { id, ip: within } };
  }
  if (ipv4 === undefined) {
    throw new ApiError(
      "resolve_cloud_public_targets_error",
      `server with ID '${id}' has no public IPv4 address`,
    );
  }
  return { ...target, server: { id, ip: null } };
}

/** Addresses of the lab that are not the cloud's count as the customer's dedicated servers. */
function fittingIp(cloud: Cloud, { network }: Balancer, text: string): string {
  const address = parseAddress(text);
  if (address === undefined) {
    throw refusedField("ip", `'${text}' is not an IP address`);
  }
  const ip = formatAddress(address);
  const inside = (range: string) => {
    const cidr = parseCidr(range);
    return cidr !== undefined && contains(cidr, address);
  };
  if (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].some(inside) && !inside(cloud.network.ipv4)) {
    const vswitches = network?.subnets.filter(({ type }) => type === "vswitch") ?? [];
    if (network === undefined) {
      throw new ApiError(
        "load_balancer_not_attached_to_network",
        "load balancer is not attached to a network",
      );
    }
    if (vswitches.length === 0) {
      throw new ApiError("network_has_no_vswitch_subnet", `network '${network.name}' has no vswitch subnet`);
    }
    if (!vswitches.some(({ ip_range }) => inside(ip_range))) {
      throw new ApiError("ip_not_in_vswitch_subnet", `IP '${ip}' is not in a vswitch subnet of the network`);
    }
    return ip;
  }
  const held = [...addressesInUse(cloud.store)].some(
    (one) => one === ip || (one.includes("/") && inside(one)),
  );
  if (held) {
    throw new ApiError("cloud_resource_ip_not_allowed", `IP '${ip}' belongs to a resource of the cloud`);
  }
  if (!inside(cloud.network.ipv4) && !inside(cloud.network.ipv6)) {
    throw new ApiError(
      "ip_not_owned",
      `IP '${ip}' is not owned by the project owner; in the lab that are the addresses of ${cloud.network.ipv4} and ${cloud.network.ipv6}`,
    );
  }
  return ip;
}

/** Whether two targets are the same to the API, which tells servers apart by id alone. */
export function sameTarget(a: BalancerTargetRecord, b: BalancerTargetRecord): boolean {
  switch (a.type) {
    case "server":
      return b.type === "server" && a.server.id === b.server.id;
    case "label_selector":
      return b.type === "label_selector" && a.label_selector.selector === b.label_selector.selector;
    case "ip":
      return b.type === "ip" && sameAddress(a.ip.ip, b.ip.ip);
  }
}

function sameAddress(a: string, b: string): boolean {
  const [left, right] = [parseAddress(a), parseAddress(b)];
  return left !== undefined && left.family === right?.family && left.value === right.value;
}

/** The load balancers that send connections to a server. */
export function balancersOf(store: Store, serverId: number): number[] {
  return loadBalancerRecords(store)
    .all()
    .filter((balancer) => {
      const network = networkOfBalancer(store, balancer.id);
      return balancer.targets.some((target) =>
        destinationsOf(store, target, network).some(({ server }) => server === serverId),
      );
    })
    .map(({ id }) => id);
}

/** Whether a load balancer reaches a server by its public IPv4 address. */
export function isPublicTarget(store: Store, serverId: number): boolean {
  return loadBalancerRecords(store)
    .all()
    .some(({ targets }) =>
      targets.some(
        (target) =>
          target.type === "server" &&
          target.server.id === serverId &&
          target.server.ip === null &&
          !target.use_private_ip,
      ),
    );
}
