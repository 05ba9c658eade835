import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import type { Hardware } from "./hardware.ts";
import { numericId } from "./ids.ts";

/** Ports a host answers on. */
export interface OpenPorts {
  tcp: readonly number[];
  udp: readonly number[];
}

export interface HetznerServerArgs {
  /**
   * Name at Hetzner, unique in the project; also the host name of the base image.
   * @example "prod-web1"
   */
  serverName: string;
  /**
   * Server type, as Hetzner names it. A change powers the server off.
   * @example "cx23"
   */
  serverType: pulumi.Input<string>;
  /**
   * Location, as Hetzner names it. A change replaces the server.
   * @example "fsn1"
   */
  location: pulumi.Input<string>;
  /**
   * Image the installation starts from. A later change is ignored: it would delete the server before making the new one.
   * @example "debian-13"
   */
  image: pulumi.Input<string>;
  /** cloud-init user data. A later change is ignored, as with the image. */
  userData: pulumi.Input<string>;
  /**
   * Hetzner's id of the login key that the base image is given.
   * @example "1234567"
   */
  sshKeyId: pulumi.Input<string>;
  /** Ports open to the world. */
  ports: OpenPorts;
  /**
   * Networks that reach ssh; from anywhere when empty.
   * @example ["203.0.113.0/24"]
   */
  sshFrom: readonly string[];
  /** Keep the server and its addresses from being deleted or replaced. @default true */
  protect?: boolean;
  /**
   * Labels on everything that is ordered.
   * @example { stack: "prod" }
   */
  labels?: Record<string, string>;
}

const everywhere = ["0.0.0.0/0", "::/0"];

/** The rules of a host's firewall: ssh from where it is allowed, ping, and the ports of the manifest. Everything else is dropped. */
export function firewallRules(
  ports: OpenPorts,
  sshFrom: readonly string[],
): hcloud.types.input.FirewallRule[] {
  const rule = (
    protocol: string,
    port: number | undefined,
    sourceIps: readonly string[],
    description: string,
  ) => ({
    direction: "in",
    protocol,
    ...(port === undefined ? {} : { port: String(port) }),
    sourceIps: [...sourceIps],
    description,
  });
  const open = (protocol: "tcp" | "udp") =>
    [...new Set(ports[protocol])]
      .filter((port) => !(protocol === "tcp" && port === 22))
      .sort((a, b) => a - b)
      .map((port) => rule(protocol, port, everywhere, "manifest"));
  return [
    rule("tcp", 22, sshFrom.length > 0 ? sshFrom : everywhere, "ssh"),
    rule("icmp", undefined, everywhere, "ping"),
    ...open("tcp"),
    ...open("udp"),
  ];
}

/** A Hetzner Cloud server with addresses that outlive it and the firewall of its manifest. */
export class HetznerServer extends pulumi.ComponentResource implements Hardware {
  readonly address: pulumi.Output<string>;
  readonly ipv6Address: pulumi.Output<string>;
  readonly machineId: pulumi.Output<string>;
  /** The resources underneath. */
  readonly nodes: {
    ipv4: hcloud.PrimaryIp;
    ipv6: hcloud.PrimaryIp;
    firewall: hcloud.Firewall;
    server: hcloud.Server;
  };

  constructor(name: string, args: HetznerServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:Server", name, {}, opts);
    const protect = args.protect ?? true;
    const ipv4 = this.#address(name, "ipv4", args, protect);
    const ipv6 = this.#address(name, "ipv6", args, protect);
    const firewall = this.#firewall(name, args);
    const server = this.#server(name, args, { ipv4, ipv6, firewall }, protect);

    this.nodes = { ipv4, ipv6, firewall, server };
    // The server's own view: it exists when the server does, and changes when the server is replaced.
    this.address = server.ipv4Address;
    this.ipv6Address = server.ipv6Address;
    this.machineId = server.id;
    this.registerOutputs({ address: this.address, ipv6Address: this.ipv6Address });
  }

  #address(name: string, type: "ipv4" | "ipv6", args: HetznerServerArgs, protect: boolean): hcloud.PrimaryIp {
    return new hcloud.PrimaryIp(
      `${name}-${type}`,
      {
        name: `${args.serverName}-${type}`,
        type,
        location: args.location,
        autoDelete: false,
        labels: args.labels,
      },
      // The name is taken as long as the old one exists.
      { parent: this, protect, deleteBeforeReplace: true },
    );
  }

  #firewall(name: string, args: HetznerServerArgs): hcloud.Firewall {
    return new hcloud.Firewall(
      `${name}-firewall`,
      { name: args.serverName, rules: firewallRules(args.ports, args.sshFrom), labels: args.labels },
      { parent: this, deleteBeforeReplace: true },
    );
  }

  #server(
    name: string,
    args: HetznerServerArgs,
    { ipv4, ipv6, firewall }: Pick<HetznerServer["nodes"], "ipv4" | "ipv6" | "firewall">,
    protect: boolean,
  ): hcloud.Server {
    return new hcloud.Server(
      `${name}-server`,
      {
        name: args.serverName,
        serverType: args.serverType,
        location: args.location,
        image: args.image,
        userData: args.userData,
        sshKeys: [args.sshKeyId],
        firewallIds: [numericId(firewall.id)],
        publicNets: [
          { ipv4Enabled: true, ipv4: numericId(ipv4.id), ipv6Enabled: true, ipv6: numericId(ipv6.id) },
        ],
        // A bigger disk cannot be made smaller again.
        keepDisk: true,
        labels: args.labels,
      },
      {
        parent: this,
        protect,
        deleteBeforeReplace: true,
        // Each of these would delete the server to change what only its first boot has used.
        ignoreChanges: ["image", "userData", "sshKeys"],
      },
    );
  }
}
