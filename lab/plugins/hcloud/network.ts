import type { Value } from "../../../provider/framework/types.ts";
import { formatAddress, formatCidr, networkOf, parseAddress, parseCidr } from "../../cloud/ip.ts";
import { problem } from "./check.ts";
import { entity, labelsBody, protect, put } from "./entity.ts";

interface Network {
  name: string;
  ip_range: string;
  labels: Record<string, string>;
  protection: { delete: boolean };
  expose_routes_to_vswitch: boolean;
}

/** `hcloud:index/network:Network`. */
export const network = entity<Network>({
  collection: "networks",
  thing: "network",
  byName: true,
  attributes: {
    name: { kind: "text" },
    ipRange: { kind: "text", required: true, replaces: true },
    labels: { kind: "labels" },
    deleteProtection: { kind: "boolean", default: false },
    exposeRoutesToVswitch: { kind: "boolean", default: false },
  },
  validate({ ipRange }, call) {
    if (typeof ipRange !== "string" || parseCidr(ipRange)) return [];
    const words = `expected "ip_range" to be a valid CIDR Value, got ${ipRange}: invalid CIDR address: ${ipRange}`;
    return [problem(call.name, "ipRange", words)];
  },
  order: ({ wanted }) => ({
    name: wanted.name,
    ip_range: bareNetwork(String(wanted.ipRange)),
    ...labelsBody(wanted),
    expose_routes_to_vswitch: wanted.exposeRoutesToVswitch,
  }),
  state: (found) => ({
    name: found.name,
    ipRange: found.ip_range,
    labels: found.labels,
    deleteProtection: found.protection.delete,
    exposeRoutesToVswitch: found.expose_routes_to_vswitch,
  }),
  changes: {
    name: put("name"),
    labels: put("labels"),
    exposeRoutesToVswitch: put("exposeRoutesToVswitch", "expose_routes_to_vswitch"),
    deleteProtection: protect,
  },
  delete: { gone: ["not_found"] },
});

/** A network without the bits of a host in it, as Go writes it: "10.0.0.1/8" is "10.0.0.0/8". */
export function bareNetwork(cidr: string): string {
  const parsed = parseCidr(cidr);
  if (!parsed) throw new Error(`invalid CIDR address: ${cidr}`);
  return formatCidr(networkOf(parsed));
}

/** An address of the cloud's, in the program's spelling where it is the same. */
export function asWritten(text: Value, ip: string): string {
  const parsed = typeof text === "string" ? parseAddress(text) : undefined;
  return typeof text === "string" && parsed && formatAddress(parsed) === ip ? text : ip;
}

/** An address as Go writes it. */
export function canonicalIp(text: string): string {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`${text} is no IP address`);
  return formatAddress(parsed);
}
