import * as pulumi from "@pulumi/pulumi";
import type { FlyAddressType } from "../config/fly.ts";

/** How an app at Fly is reached. */
export interface FlyWay {
  /** The app's name, which is unique in all of Fly. Another name is another app. */
  app: string;
  /** Fly's token. Secret. */
  token: pulumi.Input<string>;
  /**
   * Base URL of Fly's machines API.
   * @default "https://api.machines.dev/v1"
   */
  endpoint?: pulumi.Input<string>;
}

/** The inputs that lead to an app, the token as a secret. */
export const withFlyWay = <Args extends FlyWay>(args: Args) => ({
  ...args,
  token: pulumi.secret(args.token),
});

export interface FlyAppArgs extends FlyWay {
  /**
   * Slug of the organisation that pays.
   * @example "personal"
   */
  organization: string;
  /**
   * Addresses that lead to it.
   * @example ["v6", "shared_v4"]
   */
  addresses: readonly FlyAddressType[];
  /**
   * Names that it has a certificate for.
   * @example ["echo.example.org"]
   */
  certificates: readonly string[];
}

/**
 * An app at Fly.io with its addresses and certificates. A resource of Berth's own provider (`provider/resources/fly-app.ts`). Deleting it
 * deletes all that is in it, its volumes too.
 */
export class FlyApp extends pulumi.CustomResource {
  /** The name that Fly gives it, e.g. "webecho.fly.dev". */
  declare readonly hostname: pulumi.Output<string>;
  /** The addresses that it was given. */
  declare readonly assigned: pulumi.Output<{ type: FlyAddressType; ip: string }[]>;

  constructor(name: string, args: FlyAppArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { hostname: undefined, assigned: undefined, certified: undefined };
    super("berth:fly:App", name, { ...withFlyWay(args), ...outputs }, opts);
  }
}
