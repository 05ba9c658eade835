import * as pulumi from "@pulumi/pulumi";
import type { Bringable } from "./nix-image.ts";

export interface RegistryPushArgs {
  /** The image: `NixImage.bringable`. */
  image: Bringable;
  /**
   * Registry and repository, without a tag.
   * @example "registry.example.org/me/site"
   */
  repository: pulumi.Input<string>;
  /** Who may push there. @default nobody: what lets everybody in */
  user?: pulumi.Input<string> | undefined;
  /** With what. Secret. */
  password?: pulumi.Input<string> | undefined;
}

/**
 * An image in a registry, by its digest: only the layers that it lacks are sent. A resource of Berth's own provider
 * (`provider/resources/registry-push.ts`). Deleting it leaves the image there.
 */
export class RegistryPush extends pulumi.CustomResource {
  /** Of the manifest. */
  declare readonly digest: pulumi.Output<string>;
  /** Repository and digest: what a machine is told to run. */
  declare readonly reference: pulumi.Output<string>;
  /** Follows from the image alone. */
  declare readonly tag: pulumi.Output<string>;

  constructor(name: string, args: RegistryPushArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "berth:image:RegistryPush",
      name,
      {
        ...args,
        password: args.password === undefined ? undefined : pulumi.secret(args.password),
        digest: undefined,
        reference: undefined,
        tag: undefined,
      },
      opts,
    );
  }
}
