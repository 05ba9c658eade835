import * as pulumi from "@pulumi/pulumi";
import { type FlyWay, withFlyWay } from "./fly-app.ts";

export interface FlySecretsArgs extends FlyWay {
  /**
   * Content by the variable that the app finds it in. Secret.
   * @example { DATABASE_URL: databaseUrl }
   */
  values: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * The secrets of an app at Fly.io. A resource of Berth's own provider (`provider/resources/fly-secrets.ts`): it stores them, and machines
 * have them from their next release on.
 */
export class FlySecrets extends pulumi.CustomResource {
  /** Another one after each change. */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: FlySecretsArgs, opts?: pulumi.CustomResourceOptions) {
    // Each value a secret of its own, so that a preview tells by name which one changes.
    const values = Object.fromEntries(
      Object.entries(args.values).map(([variable, value]) => [variable, pulumi.secret(value)]),
    );
    const outputs = { digests: undefined, set: undefined, revision: undefined };
    super("berth:fly:Secrets", name, { ...withFlyWay(args), values, ...outputs }, opts);
  }
}
