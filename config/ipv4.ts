/** An IPv4 network as numbers. */
export interface Ipv4Network {
  first: number;
  last: number;
  prefix: number;
}

export const ipv4Number = (address: string): number =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

export const ipv4Text = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");

/** The network an address with a prefix lies in, e.g. of "10.0.0.0/16". */
export function ipv4Network(cidr: string): Ipv4Network {
  const [address = "", length = ""] = cidr.split("/");
  const prefix = Number(length);
  const size = 2 ** (32 - prefix);
  const first = Math.floor(ipv4Number(address) / size) * size;
  return { first, last: first + size - 1, prefix };
}

export const within = (inner: Ipv4Network, outer: Ipv4Network): boolean =>
  inner.first >= outer.first && inner.last <= outer.last;
