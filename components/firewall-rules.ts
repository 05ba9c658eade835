import type * as hcloud from "@pulumi/hcloud";
import type { FirewallRuleConfig } from "../config/host.ts";

/** Ports a host answers on. */
export interface OpenPorts {
  tcp: readonly number[];
  udp: readonly number[];
}

export interface FirewallPlan {
  /** Ports open to the world, as the manifest has them. */
  ports: OpenPorts;
  /** Rules beside the manifest's. */
  extra: readonly FirewallRuleConfig[];
  /** Networks that reach ssh; from anywhere when empty. */
  sshFrom: readonly string[];
}

type Rule = hcloud.types.input.FirewallRule;

export interface FirewallRules {
  /** The way in that no release may close: ssh and ping. */
  ssh: Rule[];
  /** What a release opens: its ports and the configuration's own rules. */
  release: Rule[];
}

const everywhere: readonly string[] = ["0.0.0.0/0", "::/0"];

const inbound = (
  protocol: string,
  port: string | undefined,
  sourceIps: readonly string[],
  description: string,
): Rule => ({
  direction: "in",
  protocol,
  ...(port === undefined ? {} : { port }),
  sourceIps: [...sourceIps],
  description,
});

/**
 * The rules in front of a host. What no rule lets in is dropped; what goes out is free until a rule names it. The rules of several
 * firewalls add up.
 */
export function firewallRules({ ports, extra, sshFrom }: FirewallPlan): FirewallRules {
  // In each of them: hcloud never takes the last rule away, so that a firewall that had ports could not lose them.
  const ping = inbound("icmp", undefined, everywhere, "ping");
  const open = (protocol: "tcp" | "udp") =>
    [...new Set(ports[protocol])]
      .filter((port) => !(protocol === "tcp" && port === 22))
      .sort((a, b) => a - b)
      .map((port) => inbound(protocol, String(port), everywhere, "manifest"));
  return {
    ssh: [inbound("tcp", "22", sshFrom.length > 0 ? sshFrom : everywhere, "ssh"), ping],
    release: [ping, ...open("tcp"), ...open("udp"), ...extra.map(written)],
  };
}

function written({ direction, protocol, port, networks, description }: FirewallRuleConfig): Rule {
  const addresses = networks.length > 0 ? networks : [...everywhere];
  return {
    direction,
    protocol,
    ...(port === undefined ? {} : { port }),
    ...(direction === "in" ? { sourceIps: addresses } : { destinationIps: addresses }),
    description: description ?? "configuration",
  };
}
