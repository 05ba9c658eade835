import * as pulumi from "@pulumi/pulumi";
import type { FlyAppConfig } from "../config/fly.ts";
import { type FlyWay, withFlyWay } from "./fly-app.ts";

export interface FlyDeploymentArgs extends FlyWay {
  /** What its machines are, how many there are and how they get a release. */
  config: FlyAppConfig;
  /**
   * The image by its digest. A change is a release.
   * @example "registry.fly.io/webecho@sha256:…"
   */
  image: pulumi.Input<string>;
  /**
   * Host of the registry whose images are read with the token.
   * @default "registry.fly.io"
   */
  registry?: pulumi.Input<string>;
  /**
   * Of the app's secrets; another one updates every machine.
   * @default the app has none
   */
  secretsRevision?: pulumi.Input<string>;
}

/**
 * What an app at Fly.io runs, verified. A resource of Berth's own provider (`provider/resources/fly-deployment.ts`): changes the machines as
 * the strategy says, judges each, and takes every touched one back when one of them is not healthy.
 */
export class FlyDeployment extends pulumi.CustomResource {
  /** The image that runs, by its digest. */
  declare readonly release: pulumi.Output<string>;
  /** Ids of its machines. */
  declare readonly machines: pulumi.Output<string[]>;

  constructor(name: string, args: FlyDeploymentArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { release: undefined, machines: undefined, drift: undefined };
    super("berth:fly:Deployment", name, { ...withFlyWay(args), ...outputs }, opts);
  }
}
