import { isIPv4, isIPv6 } from "node:net";

/** An address as a number, with its family. */
export interface Address {
  family: 4 | 6;
  value: bigint;
}

export interface Cidr extends Address {
  prefix: number;
}

const bits = { 4: 32, 6: 128 } as const;

/** Undefined when the text is not a plain address (a zone index is not). */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) {
    const value = text.split(".").reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
    return { family: 4, value };
  }
  if (isIPv6(text) && !text.includes("%")) {
    return { family: 6, value: sixteenBitGroups(text).reduce((sum, group) => (sum << 16n) | group, 0n) };
  }
  return undefined;
}

function sixteenBitGroups(text: string): bigint[] {
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const hex = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
    return `${hex(a, b)}:${hex(c, d)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => BigInt(`0x${group}`)));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = new Array<bigint>(8 - before.length - after.length).fill(0n);
  return [...before, ...zeros, ...after];
}

/** The canonical text: dotted, or RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
  }
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  const zeros = longestZeroRun(groups);
  if (zeros.length < 2) {
    return groups.join(":");
  }
  return `${groups.slice(0, zeros.start).join(":")}::${groups.slice(zeros.start + zeros.length).join(":")}`;
}

function longestZeroRun(groups: string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") {
      length++;
    }
    if (length > best.length) {
      best = { start, length };
    }
  }
  return best;
}

/** Undefined when the text is not `address/prefix`. Host bits may be set. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match?.[1] === undefined ? undefined : parseAddress(match[1]);
  const prefix = Number(match?.[2]);
  return address === undefined || prefix > bits[address.family] ? undefined : { ...address, prefix };
}

/** The first address of the network. */
export function networkOf({ family, value, prefix }: Cidr): Cidr {
  const hostBits = BigInt(bits[family] - prefix);
  return { family, prefix, value: (value >> hostBits) << hostBits };
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr)}/${cidr.prefix}`;
}

export function contains(network: Cidr, address: Address): boolean {
  return (
    network.family === address.family &&
    networkOf({ ...address, prefix: network.prefix }).value === networkOf(network).value
  );
}

/** Whether two networks have an address in common. */
export function overlap(a: Cidr, b: Cidr): boolean {
  return contains(a, b) || contains(b, a);
}

/** The last address of a network. */
export function lastOf(network: Cidr): Address {
  const size = 1n << BigInt(bits[network.family] - network.prefix);
  return { family: network.family, value: networkOf(network).value + size - 1n };
}
