import type { LabNetwork, ZoneSpec } from "./driver.ts";
import { contains, networkOf, parseAddress, parseCidr } from "./ip.ts";
import type { DnsPointer } from "./records.ts";
import { formatZoneFile } from "./zone-file.ts";
import { nameservers, type RrsetFields } from "./zone-records.ts";

const pointerTtl = 3600;
const width = {
  4: { bits: 32, label: 8, suffix: "in-addr.arpa" },
  6: { bits: 128, label: 4, suffix: "ip6.arpa" },
};

/** The reverse zones of the lab's networks that have a pointer in them, with what is set on servers, addresses and load balancers. */
export function reverseZones(
  network: LabNetwork,
  pointers: readonly DnsPointer[],
  serial: number,
): ZoneSpec[] {
  const zones = new Map<string, RrsetFields[]>();
  for (const { ip, dns_ptr } of pointers) {
    const place = placeOf(network, ip);
    if (place !== undefined) {
      const sets = zones.get(place.zone) ?? [];
      sets.push(set(place.name, "PTR", [`${dns_ptr.replace(/\.$/, "")}.`]));
      zones.set(place.zone, sets);
    }
  }
  return [...zones]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sets]) => ({
      name,
      text: formatZoneFile({ name, ttl: pointerTtl }, [
        set("@", "SOA", [`${nameservers[0]} dns.hetzner.com. ${serial} 86400 10800 3600000 3600`]),
        set("@", "NS", nameservers),
        ...sets,
      ]),
    }));
}

/** Zone and relative name of an address: the zone ends at the octet or digit that holds the network's last bit. */
function placeOf(network: LabNetwork, ip: string): { zone: string; name: string } | undefined {
  const address = parseAddress(ip);
  const cidr = [network.ipv4, network.ipv6]
    .map(parseCidr)
    .find((candidate) => candidate && address && contains(candidate, address));
  if (address === undefined || cidr === undefined) {
    return undefined;
  }
  const { bits, label, suffix } = width[address.family];
  const inZone = Math.min(Math.ceil(networkOf(cidr).prefix / label), bits / label - 1);
  const labels = Array.from({ length: bits / label }, (_, index) => {
    const part = (address.value >> BigInt(index * label)) & ((1n << BigInt(label)) - 1n);
    return part.toString(address.family === 4 ? 10 : 16);
  });
  const split = labels.length - inZone;
  return {
    zone: [...labels.slice(split), suffix].join("."),
    name: labels.slice(0, split).join("."),
  };
}

function set(name: string, type: RrsetFields["type"], values: string[]): RrsetFields {
  return {
    name,
    type,
    ttl: null,
    labels: {},
    records: values.map((value) => ({ value, comment: "" })),
  };
}
