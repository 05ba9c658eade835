import * as pulumi from "@pulumi/pulumi";
import { type HostWay, withWay } from "./host-way.ts";

export interface HostKeyArgs extends HostWay {
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
        ...withWay(args),
        privateKey: pulumi.secret(args.privateKey),
        former: args.former ?? [],
      },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["privateKey", "loginKey"] }),
    );
  }
}
