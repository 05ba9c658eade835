import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import type { MachineSpec, PacketRule } from "../cloud/driver.ts";

const serverId = z.int().min(1).max(9_999_999_999_999);

const cidr = z.string().refine((text) => {
  const [address = "", prefix = "", ...rest] = text.split("/");
  const longest = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= longest;
}, "is not a network in CIDR form");

const port = z.string().refine((text) => {
  if (text === "any") return true;
  const [first, last = first, ...rest] = text
    .split("-")
    .map((part) => (/^\d{1,5}$/.test(part) ? Number(part) : 0));
  return (
    rest.length === 0 &&
    first !== undefined &&
    last !== undefined &&
    first >= 1 &&
    first <= last &&
    last <= 65_535
  );
}, 'is not a port ("80") or a range ("80-85")');

const rule = z
  .strictObject({
    direction: z.enum(["in", "out"]),
    protocol: z.enum(["tcp", "udp", "icmp", "esp", "gre"]),
    port: port.nullable(),
    networks: z.array(cidr),
  })
  .refine(
    ({ protocol, port }) => port === null || protocol === "tcp" || protocol === "udp",
    "only tcp and udp have ports",
  ) satisfies z.ZodType<PacketRule>;

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";

const spec = z.strictObject({
  id: serverId,
  name: z
    .string()
    .max(64)
    .regex(new RegExp(`^${label}(?:\\.${label})*$`, "i"), "is not a host name"),
  image: z.string(),
  ipv4: z.ipv4().nullable(),
  ipv6: z.cidrv6().endsWith("::/64", "is not a /64").nullable(),
  mac: z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, "is not a MAC address"),
  sshKeys: z.array(z.string().regex(/^[^\n]+$/, "is not one line")),
  userData: z.string().max(65_536).nullable(),
}) satisfies z.ZodType<MachineSpec>;

/** The arguments of every method a caller may name. Nothing in them becomes a command, a path or a unit. */
export const requests = {
  network: z.tuple([]),
  create: z.tuple([spec]),
  rebuild: z.tuple([spec]),
  configure: z.tuple([spec]),
  start: z.tuple([serverId]),
  shutdown: z.tuple([serverId]),
  stop: z.tuple([serverId]),
  reset: z.tuple([serverId]),
  remove: z.tuple([serverId]),
  status: z.tuple([serverId]),
  setFirewalls: z.tuple([z.array(z.strictObject({ id: serverId, rules: z.array(rule).nullable() }))]),
  info: z.tuple([]),
  quit: z.tuple([]),
} as const;

export type Method = keyof typeof requests;
