import type { ContainerConfig } from "./containers.ts";
import type { FirewallRuleConfig } from "./host.ts";
import type { HostManifest } from "./manifest.ts";

/**
 * What the cloud's firewall lets in to a host for its containers: the ports that their services publish on every address, and that the
 * manifest does not open already. What a compose file publishes is not known here. Pure.
 */
export function publishedPorts(
  host: string,
  containers: Readonly<Record<string, ContainerConfig>>,
  { ports: open }: Pick<HostManifest, "ports">,
): FirewallRuleConfig[] {
  return Object.entries(containers).flatMap(([name, container]) => {
    if ("compose" in container || container.on !== host) return [];
    return container.ports
      .filter(
        ({ address, host: port, protocol }) => everywhere.has(address) && !open[protocol].includes(port),
      )
      .map(({ host: port, protocol }) => ({
        direction: "in" as const,
        protocol,
        port: String(port),
        networks: [],
        description: `container ${name}`,
      }));
  });
}

const everywhere = new Set(["", "0.0.0.0", "::"]);
