import type * as pulumi from "@pulumi/pulumi";

/** A machine that can be installed and deployed to, whoever ordered it. */
export interface Hardware {
  /** The address everything connects to. */
  readonly address: pulumi.Output<string>;
  /** Public IPv6 address, empty where there is none. */
  readonly ipv6Address: pulumi.Output<string>;
  /** What ties an installation to this very machine: a Hetzner server id. */
  readonly machineId: pulumi.Output<string>;
}
