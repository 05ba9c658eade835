import type { LabNetwork } from "./driver.ts";
import { ApiError } from "./errors.ts";
import { contains, formatAddress, formatCidr, networkOf, parseAddress, parseCidr } from "./ip.ts";
import type { Store } from "./store.ts";

const firstHost = 10n;

/**
 * The next free address: a plain IPv4 (.10 on, without the broadcast address) or an IPv6 /64 (subnet 1 on).
 * Goes round instead of reusing the one freed last, so that a new server is not mistaken for the old one.
 * 412 `resource_unavailable` when none is left.
 */
export function takeAddress(
  store: Store,
  network: LabNetwork,
  type: "ipv4" | "ipv6",
  inUse: ReadonlySet<string>,
): string {
  const { first, count, format } = type === "ipv4" ? hosts(network.ipv4) : subnets(network.ipv6);
  const start = BigInt(store.cursor(type) ?? 0);
  for (let step = 0n; step < count; step++) {
    const offset = (start + step) % count;
    const address = format(first + offset);
    if (!inUse.has(address)) {
      store.setCursor(type, Number((offset + 1n) % count));
      return address;
    }
  }
  throw new ApiError("resource_unavailable", `the lab's network has no free ${type} address left`);
}

interface Pool {
  first: bigint;
  count: bigint;
  format: (value: bigint) => string;
}

function hosts(cidr: string): Pool {
  const network = parseNetwork(cidr, 4);
  const size = 1n << BigInt(32 - network.prefix);
  return {
    first: network.value + firstHost,
    count: size - firstHost - 1n,
    format: (value) => formatAddress({ family: 4, value }),
  };
}

function subnets(cidr: string): Pool {
  const network = parseNetwork(cidr, 6);
  return {
    first: (network.value >> 64n) + 1n,
    count: (1n << BigInt(64 - network.prefix)) - 1n,
    format: (value) => formatCidr({ family: 6, value: value << 64n, prefix: 64 }),
  };
}

function parseNetwork(cidr: string, family: 4 | 6) {
  const network = parseCidr(cidr);
  if (network?.family !== family) {
    throw new Error(`the driver's IPv${family} network is '${cidr}', which is not one`);
  }
  return networkOf(network);
}

/** Whether an address is the one of a primary IP or lies in its /64. Returns its canonical text. */
export function addressWithin(primaryIp: string, address: string): string | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined) {
    return undefined;
  }
  const network = parseCidr(primaryIp);
  const inside = network === undefined ? formatAddress(parsed) === primaryIp : contains(network, parsed);
  return inside ? formatAddress(parsed) : undefined;
}
