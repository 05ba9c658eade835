import type * as hcloud from "@pulumi/hcloud";
import type * as pulumi from "@pulumi/pulumi";

/** A machine that can be installed and deployed to, whoever ordered it. */
export interface Hardware {
  /** The address everything connects to: IPv4, or IPv6 where there is no other. */
  readonly address: pulumi.Output<string>;
  /** Port of ssh. */
  readonly port: number;
  /** Public IPv4 address, empty where there is none. */
  readonly ipv4Address: pulumi.Output<string>;
  /** Public IPv6 address, empty where there is none. */
  readonly ipv6Address: pulumi.Output<string>;
  /** What ties an installation to this very machine: a Hetzner server id, or who an existing machine is. */
  readonly machineId: pulumi.Output<string>;
  /** The host key it answers with until it is installed, "ssh-ed25519 AAAA…". */
  readonly hostKey: pulumi.Output<string>;
  /** The server behind it, which takes with it what is attached to it; none for a machine that was ordered elsewhere. */
  readonly server: hcloud.Server | undefined;
}
