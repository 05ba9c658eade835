import type { Properties, Value } from "../../../provider/framework/types.ts";
import type { Json } from "./api.ts";
import { entity, labelsBody, lookUp, type Place, protect, put } from "./entity.ts";
import { Gone } from "./errors.ts";

/** What a load balancer sends to. */
export interface Target {
  type: "server" | "label_selector" | "ip";
  server?: { id: number } | null;
  label_selector?: { selector: string } | null;
  ip?: { ip: string } | null;
  use_private_ip?: boolean;
}

/** What the stand-in reads of a load balancer. */
export interface LoadBalancer {
  id: number;
  name: string;
  load_balancer_type: { name: string };
  public_net: { ipv4: { ip: string } | null; ipv6: { ip: string } | null };
  private_net: { network: number; ip: string }[];
  location: { name: string; network_zone: string };
  algorithm: { type: string };
  labels: Record<string, string>;
  targets: Target[];
  protection: { delete: boolean };
}

/** `hcloud:index/loadBalancer:LoadBalancer`. */
export const loadBalancer = entity<LoadBalancer>({
  collection: "load_balancers",
  thing: "load_balancer",
  byName: true,
  attributes: {
    name: { kind: "text" },
    loadBalancerType: { kind: "text", required: true },
    ipv4: { kind: "text", output: true },
    ipv6: { kind: "text", output: true },
    location: { kind: "text", computed: true, replaces: true },
    networkZone: { kind: "text", computed: true, replaces: true },
    networkId: { kind: "number", output: true },
    networkIp: { kind: "text", output: true },
    algorithm: {
      kind: "block",
      computed: true,
      block: { type: { kind: "text", computed: true, oneOf: ["round_robin", "least_connections"] } },
    },
    labels: { kind: "labels", computed: true },
    targets: {
      kind: "blocks",
      computed: true,
      unordered: true,
      deprecated: true,
      block: {
        type: { kind: "text", required: true, oneOf: ["server"] },
        serverId: { kind: "number" },
        usePrivateIp: { kind: "boolean", default: false },
      },
    },
    deleteProtection: { kind: "boolean", default: false },
  },
  order: ({ wanted }) => ({
    name: wanted.name,
    load_balancer_type: wanted.loadBalancerType,
    ...(wanted.algorithm ? { algorithm: wanted.algorithm } : {}),
    ...(wanted.location ? { location: wanted.location } : {}),
    ...(wanted.networkZone ? { network_zone: wanted.networkZone } : {}),
    ...labelsBody(wanted),
    ...(serversOf(wanted.targets).length > 0 && { targets: serversOf(wanted.targets).map(serverTarget) }),
  }),
  state: (found) => {
    const [net] = found.private_net;
    return {
      name: found.name,
      loadBalancerType: found.load_balancer_type.name,
      ipv4: found.public_net.ipv4?.ip ?? "<nil>",
      ipv6: found.public_net.ipv6?.ip ?? "<nil>",
      location: found.location.name,
      networkZone: found.location.network_zone,
      algorithm: { type: found.algorithm.type },
      labels: found.labels,
      targets: found.targets.map(({ type, server }) => ({
        type,
        serverId: server?.id ?? 0,
        usePrivateIp: false,
      })),
      deleteProtection: found.protection.delete,
      // A load balancer that has left its network keeps it in the real provider's state.
      ...(net && { networkId: net.network, networkIp: net.ip }),
    };
  },
  changes: {
    name: put("name"),
    loadBalancerType: ({ path, work: { api, wanted, signal } }) =>
      api.act(`${path}/actions/change_type`, { load_balancer_type: wanted.loadBalancerType }, signal),
    algorithm: ({ path, work: { api, wanted, signal } }) =>
      api.act(`${path}/actions/change_algorithm`, wanted.algorithm as Properties, signal),
    labels: put("labels"),
    targets: changeTargets,
    deleteProtection: protect,
  },
  release: async () => {},
  delete: { gone: ["not_found"] },
});

function serversOf(targets: Value): number[] {
  return Array.isArray(targets) ? (targets as Properties[]).map(({ serverId }) => Number(serverId)) : [];
}

function serverTarget(id: number): Json {
  return { type: "server", server: { id } };
}

/** Only servers are looked at; other targets are left alone. */
async function changeTargets({ path, work }: Place, found: LoadBalancer): Promise<void> {
  const { api, wanted, signal } = work;
  const wants = serversOf(wanted.targets);
  const has = (balancer: LoadBalancer) =>
    balancer.targets.flatMap(({ type, server }) => (type === "server" && server ? [server.id] : []));
  for (const id of has(found).filter((one) => !wants.includes(one)))
    await api.act(`${path}/actions/remove_target`, serverTarget(id), signal);
  const now = await lookUp<LoadBalancer>("load_balancers", "load_balancer", found.id, api, signal, true);
  if (!now) throw new Gone();
  for (const id of wants.filter((one) => !has(now).includes(one)))
    await api.act(`${path}/actions/add_target`, serverTarget(id), signal);
}
