import { existsSync } from "node:fs";
import type { PrivateInterface } from "../cloud/driver.ts";
import { privateBridgeName, privatePortName } from "./names.ts";
import type { LabWiring } from "./network.ts";
import { Queues } from "./queue.ts";
import { attempt, run } from "./run.ts";

/** As Hetzner's private networks have it. */
export const MTU = 1450;

/** What is plugged in: of a server, or of what else `server` names. */
export type PrivateCard = Pick<PrivateInterface, "network" | "mac"> & { server: number | string };

/** Name of the file that tells a machine's networkd about an interface. */
export function privateFileName({ network }: PrivateInterface): string {
  return `20-private-${network}.network`;
}

/**
 * The interface as a systemd.network file: what Hetzner's DHCP server would tell. Alias addresses are not in it, because
 * at Hetzner, too, they are the user's to configure.
 */
export function privateFile({ mac, address, range }: PrivateInterface): string {
  const lines = [
    ...["[Match]", `MACAddress=${mac}`, ""],
    ...["[Link]", `MTUBytes=${MTU}`, "RequiredForOnline=no", ""],
    ...["[Network]", "DHCP=no", "IPv6AcceptRA=no", "LinkLocalAddressing=no", `Address=${address}/32`, ""],
    ...["[Route]", `Destination=${range}`, "Scope=link", `PreferredSource=${address}`],
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * The private networks' bridges in the lab's namespace. They are plain layer 2, without an address of the lab on them and
 * without a way between them, so that networks with the same range never meet and no packet filter is passed.
 */
export class PrivateNetworks {
  readonly #wiring: LabWiring;
  /** Servers boot, join and leave side by side, and share what is made for the first and removed after the last. */
  readonly #networks = new Queues<number>();

  constructor(wiring: LabWiring) {
    this.#wiring = wiring;
  }

  /** The bridge of a network, made when there is none. */
  bridge(network: number): Promise<string> {
    return this.#networks.of(network).add(() => this.#bridge(network));
  }

  async #bridge(network: number): Promise<string> {
    const bridge = privateBridgeName(network);
    if (await attempt(...this.#wiring.inside(["ip", "link", "show", bridge]))) return bridge;
    const { namespace } = this.#wiring.names;
    await run("ip", ["-n", namespace, "link", "add", bridge, "type", "bridge"]);
    await run("ip", ["-n", namespace, "link", "set", bridge, "addrgenmode", "none"]);
    const settings = [
      `net.ipv6.conf.${bridge}.disable_ipv6=1`,
      // The namespace routes, and answers for all its addresses on every interface, unless it is told not to. Nothing
      // leads back to a private address, so that the reverse path filter lets none of their packets in.
      `net.ipv4.conf.${bridge}.forwarding=0`,
      `net.ipv4.conf.${bridge}.arp_ignore=8`,
      `net.ipv4.conf.${bridge}.rp_filter=1`,
    ];
    await run(...this.#wiring.inside(["sysctl", "-q", "-w", ...settings]));
    // Where the kernel has bridges ask the packet filter of the routed traffic, these do not.
    if (existsSync("/proc/sys/net/bridge"))
      await attempt(...this.#wiring.inside(["sysctl", "-q", "-w", ...UNFILTERED]));
    await run("ip", ["-n", namespace, "link", "set", bridge, "up"]);
    return bridge;
  }

  /**
   * Plugs an interface into a running machine, or into a service.
   * @param init the machine's init; its network namespace takes the interface
   * @param name the interface's name in there
   */
  plug(card: PrivateCard, init: number, name: string): Promise<void> {
    return this.#networks.of(card.network).add(() => this.#plug(card, init, name));
  }

  async #plug(card: PrivateCard, init: number, name: string): Promise<void> {
    const { namespace } = this.#wiring.names;
    const port = privatePortName(card.server, card.network);
    const bridge = await this.#bridge(card.network);
    await attempt("ip", ["-n", namespace, "link", "del", port]);
    const peer = ["peer", "name", name, "address", card.mac, "netns", String(init)];
    await run("ip", ["-n", namespace, "link", "add", port, "type", "veth", ...peer]);
    await run("ip", ["-n", namespace, "link", "set", port, "master", bridge, "addrgenmode", "none", "up"]);
  }

  /** Pulls an interface out, whether its machine runs or not. */
  async unplug({ server, network }: Pick<PrivateCard, "server" | "network">): Promise<void> {
    const { namespace } = this.#wiring.names;
    await this.#networks
      .of(network)
      .add(() => attempt("ip", ["-n", namespace, "link", "del", privatePortName(server, network)]));
  }

  /** Removes the bridge of a network unless something is plugged into it. */
  forget(network: number): Promise<void> {
    return this.#networks.of(network).add(() => this.#forget(network));
  }

  async #forget(network: number): Promise<void> {
    const { namespace } = this.#wiring.names;
    const bridge = privateBridgeName(network);
    const ports = await run("ip", ["-n", namespace, "-o", "link", "show", "master", bridge]).catch(
      () => null,
    );
    if (ports === "") await run("ip", ["-n", namespace, "link", "del", bridge]);
  }
}

const UNFILTERED = ["iptables", "ip6tables", "arptables"].map(
  (name) => `net.bridge.bridge-nf-call-${name}=0`,
);
