import * as pulumi from "@pulumi/pulumi";
import type { JumpHost } from "../deployer/ssh/config.ts";

export interface HostKeyArgs {
  /**
   * The host's name in the stack.
   * @example "web1"
   */
  host: string;
  /** Address of the machine. */
  address: pulumi.Input<string>;
  /** Port of ssh. @default 22 */
  port?: pulumi.Input<number>;
  /** The machine that every connection goes through. @default none */
  jump?: pulumi.Input<JumpHost> | undefined;
  /** Private key that logs in as root; the ssh agent's when absent. Secret. */
  loginKey?: pulumi.Input<string>;
  /** The machine, once it is installed. */
  machineId: pulumi.Input<string>;
  /** The key it shall show, "ssh-ed25519 AAAA…". Another one than before is a rotation. */
  publicKey: pulumi.Input<string>;
  /** Its private half. Secret. */
  privateKey: pulumi.Input<string>;
  /** Public keys it had before, oldest first. @default none */
  former?: pulumi.Input<string[]>;
}

/**
 * The host key that an installed host shows. A resource of Berth's own provider (`provider/resources/host-key.ts`): it rotates the key
 * under a guard on the host, and tells the new one only when a connection has verified it.
 */
export class HostKey extends pulumi.CustomResource {
  /** The key that has answered. */
  declare readonly publicKey: pulumi.Output<string>;

  constructor(name: string, args: HostKeyArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "berth:host:HostKey",
      name,
      {
        ...args,
        stack: pulumi.getStack(),
        port: args.port ?? 22,
        privateKey: pulumi.secret(args.privateKey),
        loginKey: args.loginKey === undefined ? undefined : pulumi.secret(args.loginKey),
        former: args.former ?? [],
      },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["privateKey", "loginKey"] }),
    );
  }
}
