import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import type { LoadBalancerConfig } from "../config/stack.ts";
import type { DnsZone } from "./dns-zone.ts";
import { goesWith } from "./goes-with.ts";
import type { Hardware } from "./hardware.ts";
import { numericId } from "./ids.ts";
import { balancedService } from "./load-balancer-service.ts";
import type { PrivateAddress, PrivateNetwork } from "./private-network.ts";

/** A host that takes traffic. */
export interface BalancedHost {
  /** The host's name in the stack. */
  name: string;
  /** A load balancer leads to servers of Hetzner's alone. */
  hardware: Pick<Hardware, "server">;
  /** Its place in the private network, where the stack has one. */
  privateAddress: PrivateAddress | undefined;
}

export interface LoadBalancerArgs {
  /**
   * Name at Hetzner, unique in the project.
   * @example "prod-front"
   */
  balancerName: string;
  /** Type, location, services, domains, algorithm, as the stack's configuration has them. */
  config: LoadBalancerConfig;
  /** The hosts of `config.targets`. */
  targets: readonly BalancedHost[];
  /** Traffic to the hosts goes through it, where there is one. */
  network?: PrivateNetwork | undefined;
  /** The zones of its domains, which must be there before Hetzner can have a certificate issued. */
  zones: readonly DnsZone[];
  /** Keep it, and with it its addresses, from being deleted or replaced, by Pulumi and at Hetzner. @default true */
  protect?: boolean;
  /** Labels at Hetzner. */
  labels?: Record<string, string>;
}

/** A load balancer in front of hosts, with the certificate of its domains. */
export class LoadBalancer extends pulumi.ComponentResource {
  /** The load balancer's name in the stack. */
  readonly name: string;
  /** Public IPv4 address. */
  readonly ipv4Address: pulumi.Output<string>;
  /** Public IPv6 address. */
  readonly ipv6Address: pulumi.Output<string>;
  /** The resources underneath. */
  readonly nodes: {
    balancer: hcloud.LoadBalancer;
    network: hcloud.LoadBalancerNetwork | undefined;
    certificate: hcloud.ManagedCertificate | undefined;
    targets: hcloud.LoadBalancerTarget[];
    services: hcloud.LoadBalancerService[];
  };

  constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:LoadBalancer", name, {}, opts);
    this.name = name;
    const balancer = this.#balancer(name, args);
    const network = args.network && this.#network(name, balancer, args.network, args.protect);
    const certificate = args.config.services.some(({ protocol }) => protocol === "https")
      ? this.#certificate(name, args)
      : undefined;
    const targets = args.targets.map((host) => this.#target(name, balancer, network, host, args.protect));
    const services = args.config.services.map(
      (service) =>
        new hcloud.LoadBalancerService(
          `${name}-${service.port}`,
          balancedService(service, balancer.id, certificate && numericId(certificate.id)),
          // A port is served once.
          { parent: this, deleteBeforeReplace: true, ...goesWith(balancer, args.protect) },
        ),
    );
    this.nodes = { balancer, network, certificate, targets, services };
    this.ipv4Address = balancer.ipv4;
    this.ipv6Address = balancer.ipv6;
    this.registerOutputs({ ipv4Address: this.ipv4Address, ipv6Address: this.ipv6Address });
  }

  #balancer(name: string, args: LoadBalancerArgs): hcloud.LoadBalancer {
    const protect = args.protect ?? true;
    const { type, location, algorithm } = args.config;
    return new hcloud.LoadBalancer(
      `${name}-balancer`,
      {
        name: args.balancerName,
        loadBalancerType: type,
        location,
        algorithm: { type: algorithm },
        deleteProtection: protect,
        labels: args.labels,
      },
      { parent: this, protect, deleteBeforeReplace: true },
    );
  }

  #network(
    name: string,
    balancer: hcloud.LoadBalancer,
    network: PrivateNetwork,
    protect: boolean | undefined,
  ): hcloud.LoadBalancerNetwork {
    return new hcloud.LoadBalancerNetwork(
      `${name}-network`,
      { loadBalancerId: numericId(balancer.id), subnetId: network.subnetId },
      { parent: this, deleteBeforeReplace: true, ...goesWith(balancer, protect) },
    );
  }

  /** Other names are another certificate: without a name of its own, so that the old one is served until the new one is there. */
  #certificate(name: string, args: LoadBalancerArgs): hcloud.ManagedCertificate {
    return new hcloud.ManagedCertificate(
      `${name}-certificate`,
      { domainNames: args.config.domains, labels: args.labels },
      { parent: this, dependsOn: args.zones.flatMap(({ zone }) => zone ?? []) },
    );
  }

  #target(
    name: string,
    balancer: hcloud.LoadBalancer,
    network: hcloud.LoadBalancerNetwork | undefined,
    { name: host, hardware: { server }, privateAddress }: BalancedHost,
    protect: boolean | undefined,
  ): hcloud.LoadBalancerTarget {
    if (!server) throw new Error(`${host} is no server of Hetzner's, and ${name} leads to no other`);
    const inside = network !== undefined && privateAddress !== undefined;
    return new hcloud.LoadBalancerTarget(
      `${name}-${host}`,
      {
        loadBalancerId: numericId(balancer.id),
        type: "server",
        serverId: numericId(server.id),
        usePrivateIp: inside,
      },
      {
        parent: this,
        deleteBeforeReplace: true,
        ...goesWith(server, protect),
        // Both ends must be in the network.
        dependsOn: inside ? [network, privateAddress.nodes.address] : [],
      },
    );
  }
}
