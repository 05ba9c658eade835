import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import type { BalancerSpec, MachineSpec, PacketRule, PrivateInterface, VolumeSpec } from "../cloud/driver.ts";

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

const hostName = z
  .string()
  .max(253)
  .regex(new RegExp(`^${label}(?:\\.${label})*$`, "i"), "is not a host name");
const slash64 = z.cidrv6().endsWith("::/64", "is not a /64");
const mac = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, "is not a MAC address");
const oneLine = z.string().regex(/^[^\n]+$/, "is not one line");
const portNumber = z.int().min(1).max(65_535);

const spec = z.strictObject({
  id: serverId,
  name: hostName.max(64),
  image: z.union([z.string(), z.int().min(1)]),
  ipv4: z.ipv4().nullable(),
  ipv6: slash64.nullable(),
  mac,
  sshKeys: z.array(oneLine),
  userData: z.string().max(65_536).nullable(),
}) satisfies z.ZodType<MachineSpec>;

const privateInterface = z.strictObject({
  server: serverId,
  network: serverId,
  mac,
  address: z.ipv4(),
  aliases: z.array(z.ipv4()),
  range: z.cidrv4(),
}) satisfies z.ZodType<PrivateInterface>;

const volume = z.strictObject({
  id: serverId,
  size: z.int().min(1).max(10_240),
  format: z.enum(["ext4", "xfs"]).nullable(),
  server: serverId.nullable(),
}) satisfies z.ZodType<VolumeSpec>;

const word = z.string().regex(/^[\w.-]{1,64}$/, "is not a word");

const balancerService = z.strictObject({
  listenPort: portNumber,
  destinationPort: portNumber,
  protocol: z.enum(["tcp", "http", "https"]),
  proxyProtocol: z.boolean(),
  http: z
    .strictObject({
      cookie: z.strictObject({ name: word, lifetime: z.int().min(1) }).nullable(),
      redirectHttp: z.boolean(),
      idleTimeout: z.int().min(1).max(86_400),
      certificates: z.array(z.strictObject({ chain: z.string(), key: z.string() })),
    })
    .nullable(),
  healthCheck: z.strictObject({
    protocol: z.enum(["tcp", "http"]),
    port: portNumber,
    interval: z.int().min(1).max(600),
    timeout: z.int().min(1).max(600),
    retries: z.int().min(1).max(100),
    http: z
      .strictObject({
        domain: hostName.nullable(),
        path: z.string().regex(/^\/[\x21-\x7e]*$/, "is not a path"),
        response: z.string().max(1_000).nullable(),
        statusCodes: z.array(z.string().regex(/^[1-5][0-9?]{2}$/, "is not a status")),
        tls: z.boolean(),
      })
      .nullable(),
  }),
});

const balancer = z.strictObject({
  id: serverId,
  name: word,
  ipv4: z.ipv4().nullable(),
  ipv6: slash64.nullable(),
  mac,
  privateInterfaces: z.array(privateInterface.omit({ server: true, aliases: true })),
  algorithm: z.enum(["round_robin", "least_connections"]),
  services: z.array(balancerService),
  targets: z.array(z.strictObject({ key: word, address: z.union([z.ipv4(), z.ipv6()]) })),
}) satisfies z.ZodType<BalancerSpec>;

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
  setPrivateInterfaces: z.tuple([z.array(privateInterface)]),
  setVolumes: z.tuple([z.array(volume)]),
  setFloatingAddresses: z.tuple([
    z.array(z.strictObject({ ip: z.union([z.ipv4(), slash64]), server: serverId.nullable() })),
  ]),
  takeSnapshot: z.tuple([serverId, serverId]),
  removeSnapshot: z.tuple([serverId]),
  setRescue: z.tuple([serverId, z.strictObject({ sshKeys: z.array(oneLine) }).nullable()]),
  setBalancers: z.tuple([z.array(balancer)]),
  balancerHealth: z.tuple([]),
  setZones: z.tuple([z.array(z.strictObject({ name: hostName, text: z.string().max(10_000_000) }))]),
  acme: z.tuple([]),
  info: z.tuple([]),
  quit: z.tuple([]),
} as const;

export type Method = keyof typeof requests;
