import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { Firewall } from "./firewall.ts";
import type { FirewallRules } from "./firewall-rules.ts";
import type { Hardware } from "./hardware.ts";
import type { HetznerAccess } from "./hetzner-api.ts";
import { numericId } from "./ids.ts";
import { ServerPower } from "./server-power.ts";

export interface HetznerServerArgs {
  /**
   * Name at Hetzner, unique in the project; also the host name of the base image.
   * @example "prod-web1"
   */
  serverName: string;
  /**
   * Server type, as Hetzner names it. A change powers the server off; its disk keeps its size, so that it can go back.
   * @example "cx23"
   */
  serverType: pulumi.Input<string>;
  /**
   * Location, as Hetzner names it. A change replaces the server and its addresses.
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
  /** The host key that `userData` gives the base image, "ssh-ed25519 AAAA…". */
  hostKey: pulumi.Input<string>;
  /**
   * Hetzner's ids of the keys that the base image trusts. A later change is ignored, as with the image.
   * @example ["1234567"]
   */
  sshKeyIds: pulumi.Input<string>[];
  /** Rules of its firewalls; `release` is open before anything is released. */
  rules: FirewallRules;
  /** Have a public IPv4 address. One of the two families is needed. A change powers the server off and on. @default true */
  ipv4?: boolean;
  /** Have a public IPv6 network. @default true */
  ipv6?: boolean;
  /**
   * Daily backups by Hetzner. Switching them off deletes them; they die with the server, too, and hold no volumes.
   * @default false
   */
  backups?: boolean;
  /**
   * Hetzner's id of a placement group: servers of one group run on different machines.
   * @example "4711"
   */
  placementGroupId?: pulumi.Input<string>;
  /**
   * What is changed before the server is: its private network, which it leaves when that is replaced. Hetzner locks a server while it
   * leaves and while it is switched off, and its provider does not wait. @default nothing
   */
  after?: pulumi.Resource[] | undefined;
  /** Hetzner's API, to see to it that the server is on. */
  api: HetznerAccess;
  /**
   * Keep the server and its addresses from being deleted or replaced, by Pulumi and at Hetzner. Taking the protection away is an
   * update of its own: what it kept from happening can be asked for after it.
   * @default true
   */
  protect?: boolean;
  /**
   * Labels on everything that is ordered.
   * @example { "berth-stack": "prod" }
   */
  labels?: Record<string, string>;
}

type Family = "ipv4" | "ipv6";

/** The address of an IPv6 network that its server is given by cloud and installation alike, e.g. "2001:db8::1". */
export const firstAddress = (network: string): string => network.replace(/::\/\d+$/, "::1");

/** A Hetzner Cloud server with addresses that outlive it, and the two firewalls that are there before a release is. */
export class HetznerServer extends pulumi.ComponentResource implements Hardware {
  readonly address: pulumi.Output<string>;
  readonly port = 22;
  readonly ipv4Address: pulumi.Output<string>;
  readonly ipv6Address: pulumi.Output<string>;
  /** "2001:db8:1:2::/64", empty where there is none. */
  readonly ipv6Network: pulumi.Output<string>;
  readonly machineId: pulumi.Output<string>;
  readonly hostKey: pulumi.Output<string>;
  readonly server: hcloud.Server;
  /** The resources underneath. */
  readonly nodes: {
    ipv4: hcloud.PrimaryIp | undefined;
    ipv6: hcloud.PrimaryIp | undefined;
    ssh: Firewall;
    open: Firewall;
    server: hcloud.Server;
    /** Exist once both firewalls are in front of the server. */
    attachments: hcloud.FirewallAttachment[];
    power: ServerPower;
  };

  constructor(name: string, args: HetznerServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:Server", name, {}, opts);
    const { ipv4: wantsIpv4 = true, ipv6: wantsIpv6 = true } = args;
    if (!wantsIpv4 && !wantsIpv6)
      throw new Error(`${args.serverName} has neither IPv4 nor IPv6: nobody could reach it`);
    const ipv4 = wantsIpv4 ? this.#address(name, "ipv4", args) : undefined;
    const ipv6 = wantsIpv6 ? this.#address(name, "ipv6", args) : undefined;
    const ssh = this.#firewall(name, "ssh", args.rules.ssh, args);
    const open = this.#firewall(name, "open", args.rules.release, args);
    const server = this.#server(name, args, { ipv4, ipv6, ssh, open });
    // Servers of older stacks were ordered with another firewall, and `firewallIds` is ignored after the order.
    const attachments = [ssh.attachTo(server), open.attachTo(server)];
    const power = this.#power(name, args, server);

    this.nodes = { ipv4, ipv6, ssh, open, server, attachments, power };
    this.server = server;
    this.ipv4Address = ipv4 ? ipv4.ipAddress : pulumi.output("");
    this.ipv6Network = ipv6 ? ipv6.ipNetwork : pulumi.output("");
    this.ipv6Address = ipv6 ? ipv6.ipNetwork.apply(firstAddress) : pulumi.output("");
    // The server's own view: it exists when the server does, and changes when the server is replaced.
    this.address = ipv4 ? server.ipv4Address : server.ipv6Address;
    this.machineId = server.id;
    this.hostKey = pulumi.output(args.hostKey);
    this.registerOutputs({ address: this.address, ipv6Address: this.ipv6Address });
  }

  #address(name: string, type: Family, args: HetznerServerArgs): hcloud.PrimaryIp {
    return new hcloud.PrimaryIp(
      `${name}-${type}`,
      {
        // The next location's have names of their own: an address is deleted after the server that has it, so the new one is there before.
        name: pulumi.interpolate`${args.serverName}-${type}-${args.location}`,
        type,
        location: args.location,
        autoDelete: false,
        deleteProtection: args.protect ?? true,
        labels: args.labels,
      },
      { parent: this, protect: args.protect ?? true, deleteBeforeReplace: false },
    );
  }

  #firewall(
    name: string,
    which: "ssh" | "open",
    rules: hcloud.types.input.FirewallRule[],
    { serverName, labels }: HetznerServerArgs,
  ): Firewall {
    return new Firewall(
      `${name}-${which}`,
      { firewallName: `${serverName}-${which}`, rules, labels },
      { parent: this },
    );
  }

  #server(
    name: string,
    args: HetznerServerArgs,
    { ipv4, ipv6, ssh, open }: Pick<HetznerServer["nodes"], Family | "ssh" | "open">,
  ): hcloud.Server {
    const protect = args.protect ?? true;
    return new hcloud.Server(
      `${name}-server`,
      {
        name: args.serverName,
        serverType: args.serverType,
        location: args.location,
        image: args.image,
        userData: args.userData,
        sshKeys: args.sshKeyIds,
        // From its first second on; see `Firewall` for the third.
        firewallIds: [ssh.firewallId, open.firewallId],
        publicNets: [
          {
            ipv4Enabled: ipv4 !== undefined,
            ...(ipv4 && { ipv4: numericId(ipv4.id) }),
            ipv6Enabled: ipv6 !== undefined,
            ...(ipv6 && { ipv6: numericId(ipv6.id) }),
          },
        ],
        backups: args.backups ?? false,
        ...(args.placementGroupId && { placementGroupId: numericId(args.placementGroupId) }),
        // Hetzner knows them only together.
        deleteProtection: protect,
        rebuildProtection: protect,
        // A bigger disk cannot be made smaller again.
        keepDisk: true,
        labels: args.labels,
      },
      {
        parent: this,
        protect,
        deleteBeforeReplace: true,
        // The first three would delete the server to change what only its first boot has used. The firewalls are the attachments'
        // after the order: hcloud would detach the third, and takes firewalls away before it puts others there.
        ignoreChanges: ["image", "userData", "sshKeys", "firewallIds"],
        customTimeouts: { create: "30m" },
        dependsOn: args.after ?? [],
      },
    );
  }

  /** A server whose first start failed is done for hcloud, and one whose type was changed is left off. */
  #power(name: string, args: HetznerServerArgs, server: hcloud.Server): ServerPower {
    return new ServerPower(
      `${name}-power`,
      {
        host: args.serverName,
        serverId: server.id,
        after: {
          serverType: args.serverType,
          ipv4: args.ipv4 ?? true,
          ipv6: args.ipv6 ?? true,
          placementGroupId: args.placementGroupId ?? "",
        },
        ...args.api,
      },
      { parent: this, dependsOn: [server], deletedWith: server },
    );
  }
}
