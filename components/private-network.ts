import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { goesWith } from "./goes-with.ts";
import { numericId } from "./ids.ts";

export interface PrivateNetworkArgs {
  /**
   * Name at Hetzner, unique in the project.
   * @example "prod"
   */
  networkName: string;
  /**
   * The whole network. A change replaces it, as Hetzner's provider knows no other way.
   * @example "10.0.0.0/16"
   */
  range: string;
  /**
   * The part that servers get addresses from. A change replaces the subnet, which needs every server out of it. @default `range`
   * @example "10.0.1.0/24"
   */
  subnet?: string | undefined;
  /**
   * Hetzner's network zone; all servers must be in its locations.
   * @example "eu-central"
   */
  zone: string;
  /** Keep the network from being deleted or replaced, by Pulumi and at Hetzner. @default true */
  protect?: boolean;
  /** Labels at Hetzner. */
  labels?: Record<string, string>;
}

/** A private network with the one subnet that the servers of a stack are in. */
export class PrivateNetwork extends pulumi.ComponentResource {
  /** Of the subnet, as servers and load balancers name it; known once it takes them. */
  readonly subnetId: pulumi.Output<string>;
  /** The resources underneath. */
  readonly nodes: { network: hcloud.Network; subnet: hcloud.NetworkSubnet };

  constructor(name: string, args: PrivateNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:PrivateNetwork", name, {}, opts);
    const protect = args.protect ?? true;
    const network = new hcloud.Network(
      `${name}-network`,
      { name: args.networkName, ipRange: args.range, deleteProtection: protect, labels: args.labels },
      { parent: this, protect, deleteBeforeReplace: true },
    );
    const subnet = new hcloud.NetworkSubnet(
      `${name}-subnet`,
      {
        networkId: numericId(network.id),
        type: "cloud",
        networkZone: args.zone,
        ipRange: args.subnet ?? args.range,
      },
      // Two subnets never overlap, so the old one goes first.
      { parent: this, deleteBeforeReplace: true, ...goesWith(network, protect) },
    );
    this.nodes = { network, subnet };
    this.subnetId = subnet.id;
    this.registerOutputs({ subnetId: this.subnetId });
  }
}

export interface PrivateAddressArgs {
  /** The server that joins. */
  server: hcloud.Server;
  /** The network it joins. */
  network: PrivateNetwork;
  /**
   * Its address in the subnet; the next free one when absent. A change takes the server out of the network for a moment.
   * @example "10.0.0.2"
   */
  ip?: string | undefined;
  /** What must be done with the server before: Hetzner locks it while it is switched on. @default nothing */
  after?: pulumi.Resource[];
  /** Whether the server is kept from being deleted; otherwise it leaves the network with its end. @default true */
  protect?: boolean;
}

/** A server's place in a private network. */
export class PrivateAddress extends pulumi.ComponentResource {
  /** Its address there. */
  readonly ip: pulumi.Output<string>;
  /** The resources underneath. */
  readonly nodes: { address: hcloud.ServerNetwork };

  constructor(name: string, args: PrivateAddressArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:PrivateAddress", name, {}, opts);
    const address = new hcloud.ServerNetwork(
      `${name}-address`,
      {
        serverId: numericId(args.server.id),
        subnetId: args.network.subnetId,
        ...(args.ip === undefined ? {} : { ip: args.ip }),
      },
      // A server is in a network once.
      {
        parent: this,
        deleteBeforeReplace: true,
        ...goesWith(args.server, args.protect),
        dependsOn: args.after ?? [],
      },
    );
    this.nodes = { address };
    this.ip = address.ip;
    this.registerOutputs({ ip: this.ip });
  }
}
