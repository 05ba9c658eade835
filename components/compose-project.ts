import * as pulumi from "@pulumi/pulumi";
import { type VerifiedHostWay, withWay } from "./host-way.ts";
import type { Bringable } from "./nix-image.ts";

export interface ComposeProjectArgs extends VerifiedHostWay {
  /**
   * What docker compose calls the project; another name is another project.
   * @example "blog"
   */
  project: string;
  /**
   * The compose file, relative to the project. It goes to the host as it is.
   * @example "./compose.yaml"
   */
  file: string;
  /**
   * Files and folders beside it that it names, relative to its folder.
   * @default none
   * @example ["nginx.conf", "html"]
   */
  files?: string[];
  /** Variables that the file takes in. Nothing secret. @default none */
  env?: Record<string, string>;
  /** Variables of the same kind whose values are secret. @default none */
  secrets?: Record<string, pulumi.Input<string>>;
  /**
   * Images of services in place of those that the file names: one that is brought, or one that a registry has.
   * @default none
   */
  images?: Record<string, Bringable | { reference: pulumi.Input<string> }>;
  /** Seconds until all services run, and are healthy where they have a check. @default 120 */
  wait?: number;
}

/**
 * A project of docker compose on a host, by people's own file. A resource of Berth's own provider (`provider/resources/compose-project.ts`):
 * only what changed is recreated, and what does not become well goes back to the release before.
 */
export class ComposeProject extends pulumi.CustomResource {
  /** Another one after each update. */
  declare readonly release: pulumi.Output<string>;
  /** What each service runs. */
  declare readonly services: pulumi.Output<{ service: string; image: string; reference: string }[]>;

  constructor(name: string, args: ComposeProjectArgs, opts?: pulumi.CustomResourceOptions) {
    const secrets = Object.entries(args.secrets ?? {}).map(([variable, value]) => [
      variable,
      pulumi.secret(value),
    ]);
    super(
      "berth:docker:ComposeProject",
      name,
      {
        ...withWay(args),
        files: args.files ?? [],
        env: args.env ?? {},
        // Each a secret of its own, so that a preview tells by name which one changes.
        secrets: Object.fromEntries(secrets),
        images: args.images ?? {},
        wait: args.wait ?? 120,
        release: undefined,
        services: undefined,
        drift: undefined,
      },
      opts,
    );
  }
}
