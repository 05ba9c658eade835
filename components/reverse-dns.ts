import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { goesWith } from "./goes-with.ts";
import { firstAddress } from "./hetzner-server.ts";
import { numericId } from "./ids.ts";

export interface ReverseDnsArgs {
  /**
   * The name that the addresses resolve back to.
   * @example "mail.example.org"
   */
  domain: string;
  /** The IPv4 address, where there is one. */
  ipv4?: hcloud.PrimaryIp | undefined;
  /** The IPv6 network, where there is one: its first address, the server's, gets the name. */
  ipv6?: hcloud.PrimaryIp | undefined;
  /** Whether the addresses are kept from being deleted; otherwise their names go with them. @default true */
  protect?: boolean;
}

/** What a server's addresses resolve back to. It belongs to the addresses, so it outlives the server as they do. */
export class ReverseDns extends pulumi.ComponentResource {
  /** The resources underneath. */
  readonly nodes: { ipv4: hcloud.Rdns | undefined; ipv6: hcloud.Rdns | undefined };

  constructor(name: string, args: ReverseDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:ReverseDns", name, {}, opts);
    const pointer = (type: string, primaryIp: hcloud.PrimaryIp, ipAddress: pulumi.Output<string>) =>
      new hcloud.Rdns(
        `${name}-${type}`,
        { primaryIpId: numericId(primaryIp.id), ipAddress, dnsPtr: args.domain },
        // The end of the old one would take the new one's name away.
        { parent: this, deleteBeforeReplace: true, ...goesWith(primaryIp, args.protect) },
      );
    this.nodes = {
      ipv4: args.ipv4 && pointer("ipv4", args.ipv4, args.ipv4.ipAddress),
      ipv6: args.ipv6 && pointer("ipv6", args.ipv6, args.ipv6.ipNetwork.apply(firstAddress)),
    };
    this.registerOutputs({});
  }
}
