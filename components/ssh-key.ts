import * as pulumi from "@pulumi/pulumi";

export interface SshKeyArgs {
  /**
   * Last word of the public key.
   * @example "berth/prod/web1"
   */
  comment: pulumi.Input<string>;
  /**
   * Another value makes another key; taking it away keeps the key. @default none
   * @example "2026-11"
   */
  generation?: pulumi.Input<string> | undefined;
  /**
   * The reinstall of its host that is wanted. Another one together with another generation is refused. @default none
   * @example "4711 new layout"
   */
  reinstall?: pulumi.Input<string> | undefined;
}

/**
 * An ed25519 key pair generated once and kept in the stack's state, the private half as a secret.
 * A resource of Berth's own provider (`provider/resources/ssh-key.ts`).
 */
export class SshKey extends pulumi.CustomResource {
  /** One line, "ssh-ed25519 AAAA… comment". */
  declare readonly publicKey: pulumi.Output<string>;
  /** OpenSSH's private key format. Secret. */
  declare readonly privateKey: pulumi.Output<string>;
  /** "SHA256:…", as ssh shows it. */
  declare readonly fingerprint: pulumi.Output<string>;
  /** Public keys of its former generations, oldest first; undefined when there were none. */
  declare readonly former: pulumi.Output<string[] | undefined>;

  constructor(name: string, args: SshKeyArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      publicKey: undefined,
      privateKey: undefined,
      fingerprint: undefined,
      former: undefined,
    };
    super(
      "berth:identity:SshKey",
      name,
      { ...args, ...outputs },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["privateKey"] }),
    );
  }
}
