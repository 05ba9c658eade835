import { existsSync } from "node:fs";
import type { LabNetwork } from "../cloud/driver.ts";
import { changes } from "./changes.ts";
import { GATEWAY, type LabNames, METADATA_ADDRESS } from "./names.ts";
import { contains, linkLocal, ownAddresses, parseCidr, takenNetworks } from "./network-choice.ts";
import { attempt, run } from "./run.ts";

/** Networks in use on this machine, in CIDR form. */
export async function networksInUse(): Promise<string[]> {
  const ask = async (...args: string[]) => JSON.parse((await run("ip", ["-j", ...args])) || "[]");
  return takenNetworks(
    [
      ...(await ask("-4", "route", "show", "table", "all")),
      ...(await ask("-6", "route", "show", "table", "all")),
    ],
    await ask("addr"),
  );
}

/** The lab's network: its namespace, bridge and veth, and the routes to its servers. */
export class LabWiring {
  readonly names: LabNames;
  readonly network: LabNetwork;
  #floating: FloatingRoute[] = [];

  constructor(names: LabNames, network: LabNetwork) {
    this.names = names;
    this.network = network;
  }

  /** Command line that runs a program in the lab's namespace; `ip netns exec` would hide the cgroups. */
  inside(command: string[]): [string, string[]] {
    return ["nsenter", [`--net=${this.names.namespacePath}`, ...command]];
  }

  async #ipInside(...args: string[]): Promise<void> {
    await run("ip", ["-n", this.names.namespace, ...args]);
  }

  /** Builds all of it. Nothing of it may be there yet. */
  async up(): Promise<void> {
    if (!existsSync("/proc/sys/net/ipv6"))
      throw new Error(
        "this machine's kernel has IPv6 switched off (ipv6.disable=1), and the lab's servers have IPv6",
      );
    const { names } = this;
    await run("ip", ["netns", "add", names.namespace]);
    await run(...this.inside(["sysctl", "-q", "-w", ...NAMESPACE_SETTINGS]));
    await this.#ipInside("link", "set", "lo", "up");
    await this.#bridgeUp();
    await this.#vethUp();
  }

  async #bridgeUp(): Promise<void> {
    const { bridge, id } = this.names;
    // A MAC of its own: a bridge otherwise takes the lowest of its ports', and servers would hold a stale one.
    const mac = `d2:74:7f:6e:${id.slice(0, 2)}:${id.slice(2)}`;
    await this.#ipInside("link", "add", bridge, "address", mac, "type", "bridge");
    await this.#ipInside("link", "set", bridge, "addrgenmode", "none");
    await this.#ipInside("addr", "add", `${GATEWAY.ipv4}/32`, "dev", bridge);
    await this.#ipInside("addr", "add", `${METADATA_ADDRESS}/32`, "dev", bridge);
    await this.#ipInside("addr", "add", `${GATEWAY.ipv6}/64`, "dev", bridge, "nodad");
    await this.#ipInside("link", "set", bridge, "up");
    await run(
      ...this.inside([
        "sysctl",
        "-q",
        "-w",
        ...NEIGHBOUR_SETTINGS.map((setting) => setting.replace("*", bridge)),
      ]),
    );
  }

  async #vethUp(): Promise<void> {
    const { names, network } = this;
    const { outside, inside } = ownAddresses(network);
    const link = names.link;
    await run("ip", [
      "link",
      "add",
      link,
      "type",
      "veth",
      "peer",
      "name",
      names.uplink,
      "netns",
      names.namespace,
    ]);
    // Some machines switch IPv6 off on every interface they did not set up themselves.
    await run("sysctl", ["-q", "-w", `net.ipv6.conf.${link}.disable_ipv6=0`]);
    await run("ip", ["addr", "add", outside.ipv4, "peer", inside.ipv4, "dev", link]);
    await run("ip", ["addr", "add", `${outside.ipv6}/126`, "dev", link, "nodad"]);
    await this.#ipInside("addr", "add", inside.ipv4, "peer", outside.ipv4, "dev", names.uplink);
    await this.#ipInside("addr", "add", `${inside.ipv6}/126`, "dev", names.uplink, "nodad");
    await run("ip", ["link", "set", link, "up"]);
    await this.#ipInside("link", "set", names.uplink, "up");
    await run("ip", ["route", "add", network.ipv4, "via", inside.ipv4, "dev", link, "src", outside.ipv4]);
    await run("ip", ["route", "add", network.ipv6, "via", inside.ipv6, "dev", link, "src", outside.ipv6]);
  }

  /** Routes a server's addresses to the bridge. */
  async addServer(addresses: ServerAddresses): Promise<void> {
    for (const target of targets(addresses))
      await this.#ipInside("route", "replace", target, "dev", this.names.bridge);
  }

  async removeServer(addresses: ServerAddresses): Promise<void> {
    await this.open(addresses);
    for (const target of targets(addresses))
      await attempt("ip", ["-n", this.names.namespace, "route", "del", target, "dev", this.names.bridge]);
  }

  /**
   * Replaces the routes of floating addresses. They lead to the server's network card, whichever addresses the server has
   * itself and whether or not its system knows of the floating one.
   */
  async routeFloating(routes: FloatingRoute[]): Promise<void> {
    const { namespace, bridge } = this.names;
    const { out, in: added } = changes(this.#floating, routes);
    for (const { ip } of out) {
      await attempt("ip", ["-n", namespace, "route", "del", prefixed(ip)]);
      await attempt("ip", ["route", "del", "unreachable", prefixed(ip)]);
    }
    this.#floating = routes;
    for (const { ip, mac } of added) {
      const via = linkLocal(mac);
      await this.#ipInside("neigh", "replace", via, "lladdr", mac, "dev", bridge, "nud", "permanent");
      const hop = ip.includes(":") ? [via] : ["inet6", via];
      await this.#ipInside("route", "replace", prefixed(ip), "via", ...hop, "dev", bridge);
    }
  }

  #targets({ id, ipv4, ipv6 }: ServerAddresses): string[] {
    const floating = this.#floating.filter(({ server }) => server === id).map(({ ip }) => prefixed(ip));
    return [...targets({ ipv4, ipv6 }), ...floating];
  }

  /**
   * Makes a server's addresses unreachable from the machine and ends the connections to it, so that nothing sent to
   * the server that went down is answered by the one that comes up.
   */
  async close(addresses: ServerAddresses): Promise<void> {
    for (const target of this.#targets(addresses)) {
      await run("ip", ["route", "replace", "unreachable", target]);
      // Kernels without INET_DIAG_DESTROY refuse; then connections end by their own timeouts.
      await attempt("ss", ["-K", "dst", target]);
    }
  }

  /** Takes back `close`. */
  async open(addresses: ServerAddresses): Promise<void> {
    for (const target of this.#targets(addresses))
      await attempt("ip", ["route", "del", "unreachable", target]);
  }

  /** Replaces the packet rules. */
  async enforce(ruleset: string): Promise<void> {
    await run(...this.inside(["nft", "-f", "-"]), { input: ruleset });
  }

  async down(): Promise<void> {
    await removeWiring(this.names, this.network);
  }
}

/** Looks for a booting server ten times a second, not once, and gives up after the usual three seconds. */
const NEIGHBOUR_SETTINGS = ["net.ipv4.neigh.*", "net.ipv6.neigh.*"].flatMap((neighbour) => [
  `${neighbour}.retrans_time_ms=100`,
  `${neighbour}.mcast_solicit=30`,
]);

/** A server's IPv4 address and IPv6 /64, as far as it has them. */
export interface ServerAddresses {
  id: number;
  ipv4: string | null;
  ipv6: string | null;
}

/** A floating address, with the server it leads to and the MAC of that server's public interface. */
export interface FloatingRoute {
  /** An IPv4 address, or a /64 in CIDR form. */
  ip: string;
  server: number;
  mac: string;
}

function prefixed(ip: string): string {
  return ip.includes("/") ? ip : `${ip}/32`;
}

function targets({ ipv4, ipv6 }: Pick<ServerAddresses, "ipv4" | "ipv6">): string[] {
  return [...(ipv4 ? [`${ipv4}/32`] : []), ...(ipv6 ? [ipv6] : [])];
}

/** Routing on; no redirects, because servers on isolated ports could not follow them. */
const NAMESPACE_SETTINGS = [
  "net.ipv4.ip_forward=1",
  "net.ipv6.conf.all.forwarding=1",
  "net.ipv6.conf.all.disable_ipv6=0",
  "net.ipv6.conf.default.disable_ipv6=0",
  "net.ipv4.conf.all.send_redirects=0",
  "net.ipv4.conf.default.send_redirects=0",
];

interface Route {
  type?: string;
  dst?: string;
}

/**
 * Removes what is left of a lab's network, wherever its making or taking down stopped.
 * @returns what was found and removed, for people
 */
export async function removeWiring(names: LabNames, network: LabNetwork | null): Promise<string[]> {
  const removed: string[] = [];
  if (network) {
    for (const family of ["-4", "-6"] as const) {
      const routes: Route[] = JSON.parse(
        (await run("ip", ["-j", family, "route", "show", "type", "unreachable"])) || "[]",
      );
      const own = family === "-4" ? network.ipv4 : network.ipv6;
      for (const { dst } of routes) {
        if (!dst || !contains(own, parseCidr(dst).address)) continue;
        if (await attempt("ip", [family, "route", "del", "unreachable", dst]))
          removed.push(`unreachable route ${dst}`);
      }
    }
  }
  if (existsSync(`/sys/class/net/${names.link}`) && (await attempt("ip", ["link", "del", names.link])))
    removed.push(`network link ${names.link}`);
  if (existsSync(names.namespacePath)) {
    await run("ip", ["netns", "del", names.namespace]);
    removed.push(`network namespace ${names.namespace}`);
  }
  return removed;
}
