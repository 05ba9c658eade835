import { createHash } from "node:crypto";
import { BlockList, isIPv4 } from "node:net";
import type { LabNetwork } from "../cloud/driver.ts";

/** A network in CIDR form, taken apart. */
export interface Cidr {
  address: string;
  prefix: number;
  family: "ipv4" | "ipv6";
}

/** Takes "10.0.0.0/8" (or a bare address) apart. */
export function parseCidr(text: string): Cidr {
  const [address = "", prefix] = text.split("/");
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  return { address, family, prefix: prefix === undefined ? (family === "ipv4" ? 32 : 128) : Number(prefix) };
}

/** Whether `address` lies in `network`; false across families. */
export function contains(network: string, address: string): boolean {
  const { address: base, prefix, family } = parseCidr(network);
  if (family !== parseCidr(address).family) return false;
  const list = new BlockList();
  list.addSubnet(base, prefix, family);
  return list.check(address, family);
}

/** Whether two networks share an address. */
export function overlaps(a: string, b: string): boolean {
  const [wide, narrow] = parseCidr(a).prefix <= parseCidr(b).prefix ? [a, b] : [b, a];
  return contains(wide, parseCidr(narrow).address);
}

/** The nth network a lab with this id would like. */
function candidate(id: string, attempt: number): LabNetwork {
  const digest = createHash("sha256").update(`${id} ${attempt}`).digest();
  const [a = 0, b = 0] = digest;
  // As everybody writes them, without leading zeros: programs compare addresses as text.
  const groups = [0xfd00 + a, digest.readUInt16BE(1), digest.readUInt16BE(3)].map((group) =>
    group.toString(16),
  );
  // High up in 10.0.0.0/8: a private network of the lab's servers is likely low there (10.0.0.0/16), and would take what is sent to their own.
  return { ipv4: `10.${192 + (a % 64)}.${b}.0/24`, ipv6: `${groups.join(":")}::/48` };
}

/**
 * Chooses the lab's networks: the ones it had before while they are free, else the first free candidates.
 * @param id the lab's id; two labs start their search at different places
 * @param taken networks and addresses in use on the machine, in CIDR form
 * @throws when nothing is free
 */
export function chooseNetwork(id: string, taken: string[], previous: LabNetwork | null): LabNetwork {
  const free = (network: string) => !taken.some((other) => overlaps(network, other));
  const wishes = previous ? [previous] : [];
  for (let attempt = 0; attempt < 256; attempt++) wishes.push(candidate(id, attempt));
  const ipv4 = wishes.find((wish) => free(wish.ipv4))?.ipv4;
  const ipv6 = wishes.find((wish) => free(wish.ipv6))?.ipv6;
  if (!ipv4 || !ipv6)
    throw new Error(
      `no free ${ipv4 ? "IPv6 /48" : "IPv4 /24"} for the lab: all 256 tried overlap with this machine's routes (ip route)`,
    );
  return { ipv4, ipv6 };
}

interface IpRoute {
  dst?: string;
}
interface IpLink {
  addr_info?: { local?: string; prefixlen?: number }[];
}

/** What `ip -j route` and `ip -j addr`, of both families, say is in use. Default routes take nothing. */
export function takenNetworks(routes: IpRoute[], links: IpLink[]): string[] {
  const fromRoutes = routes.map((route) => route.dst ?? "default");
  const fromLinks = links
    .flatMap((link) => link.addr_info ?? [])
    .map((info) => `${info.local ?? ""}/${info.prefixlen ?? ""}`);
  return [...fromRoutes, ...fromLinks].filter(
    (text) => /^[0-9a-f.:]+(\/\d+)?$/i.test(text) && !text.endsWith("/0"),
  );
}

/** Addresses the driver keeps for itself, out of the lab's networks. */
export interface OwnAddresses {
  /** The machine's end of the veth. */
  outside: { ipv4: string; ipv6: string };
  /** The namespace's end. */
  inside: { ipv4: string; ipv6: string };
}

/** .1 and .2, ::1 and ::2 of the lab's networks. */
export function ownAddresses(network: LabNetwork): OwnAddresses {
  const ipv4 = network.ipv4.replace(/\.0\/24$/, "");
  const ipv6 = network.ipv6.replace(/::\/48$/, "");
  return {
    outside: { ipv4: `${ipv4}.1`, ipv6: `${ipv6}::1` },
    inside: { ipv4: `${ipv4}.2`, ipv6: `${ipv6}::2` },
  };
}

/** Why a server cannot have these addresses, or null. */
export function addressProblem(
  network: LabNetwork,
  addresses: { ipv4: string | null; ipv6: string | null },
): string | null {
  const { ipv4, ipv6 } = addresses;
  if (ipv4 !== null) {
    if (!contains(network.ipv4, ipv4)) return `${ipv4} is not in the lab's network ${network.ipv4}`;
    const last = Number(ipv4.split(".")[3]);
    if (last < 10 || last === 255)
      return `${ipv4} is kept for the driver: servers get .10 to .254 of ${network.ipv4}`;
  }
  if (ipv6 !== null) {
    if (parseCidr(ipv6).prefix !== 64) return `${ipv6} is not a /64`;
    if (!contains(network.ipv6, parseCidr(ipv6).address))
      return `${ipv6} is not in the lab's network ${network.ipv6}`;
    if (contains(ipv6, ownAddresses(network).outside.ipv6))
      return `${ipv6} is kept for the driver: it is subnet 0`;
  }
  return null;
}

/** The address a server answers on in its /64: `::1` of it. */
export function hostAddress(ipv6: string): string {
  return `${parseCidr(ipv6).address.replace(/::$/, "")}::1`;
}

/** The link-local address every system gives an interface with this MAC, unless told otherwise (EUI-64). */
export function linkLocal(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(":").map((byte) => Number.parseInt(byte, 16));
  const groups = [((a ^ 2) << 8) | b, (c << 8) | 0xff, (0xfe << 8) | d, (e << 8) | f];
  return `fe80::${groups.map((group) => group.toString(16)).join(":")}`;
}
