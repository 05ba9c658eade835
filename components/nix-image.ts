import * as pulumi from "@pulumi/pulumi";

export interface NixImageArgs {
  /**
   * A package of the flake that is an image, as the flake's evaluation tells it.
   * @example { path: "packages.x86_64-linux.site-image", drvPath: "/nix/store/…-image.drv", out: "/nix/store/…-image" }
   */
  package?: { path: string; drvPath: string; out: string } | undefined;
  /**
   * Or a docker-archive that is there, relative to the project.
   * @example "./image.tar.gz"
   */
  archive?: string | undefined;
  /**
   * What it shall run on, as Docker calls it; an image for anything else is refused.
   * @default anything
   * @example "arm64"
   */
  architecture?: pulumi.Input<string> | undefined;
  /** The machine that builds. @default the one that deploys */
  builder?: { name: string; address: string; port: number; user: string; hostKey: string } | undefined;
  /** Private key that logs in on the builder. Secret. @default the ssh agent's */
  loginKey?: pulumi.Input<string> | undefined;
}

/** An image as it is brought somewhere: who it is, where it is read, and what builds it again. */
export interface Bringable {
  /** "sha256:" and the digest of its configuration. */
  id: pulumi.Output<string>;
  /** Where it is read on the machine that deploys. */
  path: pulumi.Output<string>;
  /** The derivation that builds it; none for an archive that was given. */
  drvPath?: string;
}

/**
 * An image of the flake, or an archive, built and read. A resource of Berth's own provider (`provider/resources/nix-image.ts`).
 */
export class NixImage extends pulumi.CustomResource {
  /** "sha256:" and the digest of its configuration: the same wherever it goes. Not known in a preview before it is built. */
  declare readonly imageId: pulumi.Output<string>;
  /** Where it is read on the machine that deploys. */
  declare readonly path: pulumi.Output<string>;
  /** E.g. "linux/amd64". */
  declare readonly platform: pulumi.Output<string>;
  /** Base first; bytes of each layer's tar. */
  declare readonly layers: pulumi.Output<{ diffId: string; size: number }[]>;
  /** Bytes of all layers' tars. */
  declare readonly size: pulumi.Output<number>;
  /** Ports that its configuration exposes, e.g. ["8080/tcp"]. */
  declare readonly ports: pulumi.Output<string[]>;
  /** Who it runs as; "" for root. */
  declare readonly user: pulumi.Output<string>;
  readonly #drvPath: string | undefined;

  constructor(name: string, args: NixImageArgs, opts?: pulumi.CustomResourceOptions) {
    const { loginKey, ...rest } = args;
    super(
      "berth:image:NixImage",
      name,
      {
        ...rest,
        stack: pulumi.getStack(),
        name,
        loginKey: args.builder && loginKey !== undefined ? pulumi.secret(loginKey) : undefined,
        imageId: undefined,
        path: undefined,
        platform: undefined,
        layers: undefined,
        size: undefined,
        ports: undefined,
        user: undefined,
      },
      opts,
    );
    this.#drvPath = args.package?.drvPath;
  }

  /** As what brings it somewhere is told of it. */
  get bringable(): Bringable {
    return {
      id: this.imageId,
      path: this.path,
      ...(this.#drvPath !== undefined && { drvPath: this.#drvPath }),
    };
  }
}
