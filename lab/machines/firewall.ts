import type { PacketRule } from "../cloud/driver.ts";
import { parseCidr } from "./network-choice.ts";

/** A server's addresses with the packet rules in force for it; `rules: null` means none apply and all is open. */
export interface Guarded {
  id: number;
  ipv4: string | null;
  /** The server's /64. */
  ipv6: string | null;
  /** Addresses and /64s that lead to it besides. */
  floating: string[];
  rules: PacketRule[] | null;
}

/** One rule as nftables lines, one a network, so that overlapping networks never make an invalid set. */
function allow(rule: PacketRule): string[] {
  const side = rule.direction === "in" ? "saddr" : "daddr";
  return rule.networks.map((network) => {
    const { prefix, family } = parseCidr(network);
    const source =
      prefix === 0
        ? `meta nfproto ${family}`
        : family === "ipv4"
          ? `ip ${side} ${network}`
          : `ip6 ${side} ${network}`;
    return `${source} ${protocolMatch(rule, family)} return`;
  });
}

/** The protocol part of a rule; "icmp" means each family's own. */
function protocolMatch(rule: PacketRule, family: "ipv4" | "ipv6"): string {
  if (rule.protocol === "icmp") return family === "ipv4" ? "meta l4proto icmp" : "meta l4proto ipv6-icmp";
  if (rule.port !== null && rule.port !== "any") return `${rule.protocol} dport ${rule.port}`;
  return `meta l4proto ${rule.protocol}`;
}

function chain(name: string, lines: string[]): string {
  return [`\tchain ${name} {`, ...lines.map((line) => `\t\t${line}`), "\t}"].join("\n");
}

/** `saddr`/`daddr` maps that send a server's packets to its chain. */
function dispatch(side: "saddr" | "daddr", direction: "in" | "out", servers: Guarded[]): string[] {
  const all = servers.flatMap(({ id, ipv4, ipv6, floating }) =>
    [ipv4, ipv6, ...floating].flatMap((address) => (address ? [{ address, id }] : [])),
  );
  const jumps = (family: "ipv4" | "ipv6") =>
    all
      .filter(({ address }) => parseCidr(address).family === family)
      .map(({ address, id }) => `${address} : jump ${direction}-${id}`);
  const [ipv4, ipv6] = [jumps("ipv4"), jumps("ipv6")];
  return [
    ...(ipv4.length ? [`ip ${side} vmap { ${ipv4.join(", ")} }`] : []),
    ...(ipv6.length ? [`ip6 ${side} vmap { ${ipv6.join(", ")} }`] : []),
  ];
}

/**
 * The ruleset that enforces the cloud's firewalls on everything the lab routes, as text for `nft -f -`.
 * Stateful, as at Hetzner: without a firewall all is open; with one, incoming is closed but for its rules, and outgoing
 * is closed only when there is an outgoing rule. A packet between two servers passes the sender's rules, then the
 * receiver's.
 */
export function ruleset(servers: Guarded[]): string {
  const guarded = servers.filter((server) => server.rules !== null);
  const limited = guarded.filter((server) => server.rules?.some((rule) => rule.direction === "out"));
  const rulesOf = (server: Guarded, direction: "in" | "out") =>
    (server.rules ?? []).filter((rule) => rule.direction === direction).flatMap(allow);
  const chains = [
    chain("forward", [
      "type filter hook forward priority filter; policy accept;",
      "ct state established,related accept",
      ...dispatch("saddr", "out", limited),
      ...dispatch("daddr", "in", guarded),
    ]),
    // A redirect would tell a server to reach its neighbour directly, which isolated bridge ports make impossible.
    chain("output", [
      "type filter hook output priority filter; policy accept;",
      "icmp type redirect drop",
      "icmpv6 type nd-redirect drop",
    ]),
    ...limited.map((server) => chain(`out-${server.id}`, [...rulesOf(server, "out"), "drop"])),
    ...guarded.map((server) => chain(`in-${server.id}`, [...rulesOf(server, "in"), "drop"])),
  ];
  // Declared and deleted first, so that one transaction replaces the table whether it was there or not.
  return `table inet berth\ndelete table inet berth\ntable inet berth {\n${chains.join("\n")}\n}\n`;
}
