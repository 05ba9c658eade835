import { entity, labelsBody, protect, put, putDescription } from "./entity.ts";
import { tolerating } from "./retry.ts";

interface FloatingIp {
  name: string;
  description: string;
  type: "ipv4" | "ipv6";
  ip: string;
  server: number | null;
  home_location: { name: string };
  labels: Record<string, string>;
  protection: { delete: boolean };
}

/** `hcloud:index/floatingIp:FloatingIp`. */
export const floatingIp = entity<FloatingIp>({
  collection: "floating_ips",
  thing: "floating_ip",
  attributes: {
    type: { kind: "text", required: true, replaces: true },
    name: { kind: "text", computed: true },
    description: { kind: "text" },
    homeLocation: { kind: "text", computed: true, replaces: true },
    serverId: { kind: "number", computed: true },
    ipAddress: { kind: "text", output: true },
    ipNetwork: { kind: "text", output: true },
    labels: { kind: "labels" },
    deleteProtection: { kind: "boolean", default: false },
  },
  order: ({ wanted }) => ({
    type: wanted.type,
    ...(wanted.homeLocation ? { home_location: wanted.homeLocation } : {}),
    ...(wanted.serverId ? { server: wanted.serverId } : {}),
    description: wanted.description ?? "",
    ...(wanted.name ? { name: wanted.name } : {}),
    ...labelsBody(wanted),
  }),
  state: (found) => ({
    name: found.name,
    description: found.description,
    type: found.type,
    homeLocation: found.home_location.name,
    ipAddress: found.ip.replace(/\/\d+$/, ""),
    ...(found.type === "ipv6" && { ipNetwork: found.ip }),
    labels: found.labels,
    deleteProtection: found.protection.delete,
    ...(found.server !== null && { serverId: found.server }),
  }),
  changes: {
    description: putDescription,
    name: put("name"),
    serverId: ({ path, work: { api, wanted, signal } }) =>
      wanted.serverId
        ? api.act(`${path}/actions/assign`, { server: wanted.serverId }, signal)
        : api.act(`${path}/actions/unassign`, undefined, signal),
    labels: put("labels"),
    deleteProtection: protect,
  },
  blindUpdate: true,
  release: async ({ path, work: { api, signal } }, found) => {
    if (found.server === null) return;
    await tolerating(["not_found"], () => api.act(`${path}/actions/unassign`, undefined, signal));
  },
  delete: { gone: ["not_found"] },
});
