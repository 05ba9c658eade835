import * as pulumi from "@pulumi/pulumi";

/**
 * An age key (X25519) generated once and kept in the stack's state, the private half as a secret.
 * A resource of Berth's own provider (`provider/resources/age-key.ts`).
 */
export class AgeKey extends pulumi.CustomResource {
  /** What files are encrypted for, "age1…". */
  declare readonly recipient: pulumi.Output<string>;
  /** What decrypts them, "AGE-SECRET-KEY-1…". Secret. */
  declare readonly identity: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.CustomResourceOptions) {
    super(
      "berth:identity:AgeKey",
      name,
      { recipient: undefined, identity: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["identity"] }),
    );
  }
}
