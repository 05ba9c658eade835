import * as pulumi from "@pulumi/pulumi";
import type { ServiceSpec } from "../config/container-spec.ts";
import { type VerifiedHostWay, withWay } from "./host-way.ts";
import type { Bringable } from "./nix-image.ts";

/** An image of this machine, as a host that lacks it is told of it. */
export interface HereImage extends Bringable {
  /** For telling what is to be sent before it is. */
  layers: pulumi.Input<{ diffId: string; size: number }[]>;
  /** E.g. "linux/amd64"; another machine refuses it. */
  platform: pulumi.Input<string>;
}

/** An image that the host pulls. */
export interface PulledImage {
  /** Name and digest. */
  reference: pulumi.Input<string>;
  /** Its id, where this machine has made it. */
  id?: pulumi.Input<string>;
  /** E.g. "linux/amd64", where this machine has made it; another machine refuses it. */
  platform?: pulumi.Input<string>;
  /** Who may pull it. Secret. @default everybody */
  login?: { user: pulumi.Input<string>; password: pulumi.Input<string> } | undefined;
}

export interface DockerHostServiceArgs extends VerifiedHostWay {
  /** All that is decided of the service; its secrets become secrets of the stack here. */
  spec: ServiceSpec;
  /** What its container is made of. */
  image: HereImage | PulledImage;
}

/**
 * A service that runs as one container on a machine with Docker. A resource of Berth's own provider
 * (`provider/resources/docker-host-service.ts`): brings the image, starts the new container beside the old one, asks it, and hands the ports
 * over; what is not healthy is returned from.
 */
export class DockerHostService extends pulumi.CustomResource {
  /** Name of the container that runs. */
  declare readonly container: pulumi.Output<string>;
  /** The image it runs, by its id. */
  declare readonly imageId: pulumi.Output<string>;

  constructor(name: string, args: DockerHostServiceArgs, opts?: pulumi.CustomResourceOptions) {
    const { spec, image, ...way } = args;
    super(
      "berth:docker:HostService",
      name,
      {
        ...withWay(way),
        // Each value a secret of its own: a preview tells by name which one changes.
        spec: { ...spec, secretEnv: secret(spec.secretEnv), secretFiles: secret(spec.secretFiles) },
        image:
          "login" in image && image.login
            ? { ...image, login: { ...image.login, password: pulumi.secret(image.login.password) } }
            : image,
        container: undefined,
        imageId: undefined,
        drift: undefined,
      },
      opts,
    );
  }
}

const secret = (values: Record<string, string>): Record<string, pulumi.Output<string>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, pulumi.secret(value)]));
