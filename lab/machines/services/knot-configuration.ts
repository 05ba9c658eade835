import type { ServiceAddresses } from "./service-addresses.ts";

/** Names of the servers that Hetzner assigns to every zone. */
const AUTHORITIES = ["hydrogen.ns.hetzner.com.", "oxygen.ns.hetzner.com.", "helium.ns.hetzner.de."];

/**
 * The lab's end of the world: every name outside the served zones does not exist, so that a resolver gets an answer at
 * once. The names of Hetzner's name servers lead to the lab's, for programs that ask a zone's own servers.
 */
export function rootZone({ dns }: Pick<ServiceAddresses, "dns">): string {
  const lines = [
    `. 86400 IN SOA ${AUTHORITIES[0]} dns.hetzner.com. 1 86400 10800 3600000 60`,
    ...AUTHORITIES.flatMap((name) => [
      `. 86400 IN NS ${name}`,
      `${name} 86400 IN A ${dns.ipv4}`,
      `${name} 86400 IN AAAA ${dns.ipv6}`,
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Configuration of knotd.
 * @param zones file names in `storage` by zone
 * @param storage folder of the zone files, as knotd sees it
 * @param listen addresses to answer on
 */
export function knotConfiguration(
  zones: ReadonlyMap<string, string>,
  storage: string,
  listen: string[],
): string {
  return `server:
    user: knot:knot
    rundir: /run/service
    listen: [ ${listen.map((address) => `"${address}@53"`).join(", ")} ]
    udp-workers: 1
    tcp-workers: 2
    background-workers: 1
database:
    storage: /run/service
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: ${storage}
    # The zone file is all there is, whatever its serial: no journal, and nothing is written back.
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
${[...zones].map(([name, file]) => `  - domain: "${name}"\n    file: "${file}"\n`).join("")}`;
}

/**
 * What is wrong with a zone, in one line.
 * @param complaints lines of `knotc zone-check`
 */
export function zoneProblem(complaints: string[]): string {
  for (const line of complaints) {
    const [, zone, what = ""] = /^error: \[(.+?)\.?\] (.*)$/.exec(line) ?? [];
    if (zone === undefined) continue;
    const [, place, why] = /^zone loader, error in zone, file '[^']*', (line \d+) \((.*)\)$/.exec(what) ?? [];
    return `zone ${zone} cannot be served: ${place === undefined ? what : `${place}: ${why}`}`;
  }
  return `the zones cannot be served: ${complaints[0] ?? "no reason given"}`;
}
