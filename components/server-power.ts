import * as pulumi from "@pulumi/pulumi";

export interface ServerPowerArgs {
  /**
   * The host's name in the stack, for messages.
   * @example "web1"
   */
  host: string;
  /** Hetzner's id of the server. Another server is another resource. */
  serverId: pulumi.Input<string>;
  /**
   * What may have switched the server off when it changed; a difference is a reason to look.
   * @example { serverType: "cx33" }
   */
  after: pulumi.Input<Record<string, unknown>>;
  /** Hetzner's token, to read and to write. Secret. */
  token: pulumi.Input<string>;
  /**
   * Base URL of Hetzner's API.
   * @default "https://api.hetzner.cloud/v1"
   */
  endpoint?: pulumi.Input<string>;
}

/**
 * That a server is on. Hetzner's provider switches a server off to change its type and leaves it off, and takes a server for made whose first
 * start has failed. A resource of Berth's own provider (`provider/resources/server-power.ts`).
 */
export class ServerPower extends pulumi.CustomResource {
  /** "running" */
  declare readonly status: pulumi.Output<string>;

  constructor(name: string, args: ServerPowerArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "berth:hetzner:ServerPower",
      name,
      {
        ...args,
        token: pulumi.secret(args.token),
        endpoint: args.endpoint ?? "https://api.hetzner.cloud/v1",
        status: undefined,
      },
      opts,
    );
  }
}
