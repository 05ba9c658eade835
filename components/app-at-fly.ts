import * as pulumi from "@pulumi/pulumi";
import type { FlyAppConfig } from "../config/fly.ts";
import type { FlyPackage } from "../config/fly-images.ts";
import { addressesOf, flySystem } from "../config/fly-rules.ts";
import { architectures } from "../config/image.ts";
import type { FlyAccess } from "./fly-api.ts";
import { FlyApp } from "./fly-app.ts";
import { FlyDeployment } from "./fly-deployment.ts";
import { FlySecrets } from "./fly-secrets.ts";
import { NixImage, type NixImageArgs } from "./nix-image.ts";
import { RegistryPush } from "./registry-push.ts";

export interface AppAtFlyArgs {
  /** The app as the stack has it. */
  config: FlyAppConfig;
  /** How Fly is reached. */
  access: FlyAccess;
  /** What the flake says of its image, where that is a package. */
  package?: FlyPackage | undefined;
  /** The machine that builds it. @default the one that deploys */
  builder?: NixImageArgs["builder"];
  /** Logs in there. Secret. */
  loginKey?: pulumi.Input<string>;
  /** Content of the stack's secrets by name. Secret. */
  secrets: Readonly<Record<string, pulumi.Input<string>>>;
  /** Keep the app, and the volumes that are in it, from being deleted. @default false */
  protect?: boolean;
}

/** An app at Fly.io: itself, its secrets, and what it runs. Its name is the component's. */
export class AppAtFly extends pulumi.ComponentResource {
  /** Its name at Fly.io. */
  readonly name: string;
  /** The app itself, with its addresses and certificates. */
  readonly app: FlyApp;
  /** What it runs. */
  readonly deployment: FlyDeployment;
  /** What a stack tells of it. */
  readonly outputs: pulumi.Output<{ url: string; release: string; machines: string[] }>;

  constructor(name: string, args: AppAtFlyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:fly:AppAtFly", name, {}, opts);
    this.name = name;
    const { config, access, protect = false } = args;
    const { token, endpoint, registry } = access;
    const way = { app: name, token, endpoint };
    this.app = new FlyApp(
      `${name}-app`,
      {
        ...way,
        organization: config.organization,
        addresses: addressesOf(config),
        certificates: config.certificates,
      },
      { parent: this, protect },
    );
    // Whatever is in an app goes with it.
    const within = { parent: this, deletedWith: this.app, dependsOn: [this.app] };
    // An app without any has it as well: the last one has to be gone before the release that shall be without it.
    const values = valuesOf(config, args.secrets);
    const secrets = new FlySecrets(`${name}-secrets`, { ...way, values }, within);
    this.deployment = new FlyDeployment(
      `${name}-deployment`,
      {
        ...way,
        registry,
        config,
        image: this.#image(name, args),
        secretsRevision: secrets.revision,
      },
      within,
    );
    this.outputs = pulumi.output({
      url: pulumi.interpolate`https://${this.app.hostname}/`,
      release: this.deployment.release,
      machines: this.deployment.machines,
    });
    this.registerOutputs({ url: this.outputs.apply(({ url }) => url) });
  }

  /** The image by its digest: as it is named, or where it was pushed to, which Fly lets whoever has the token do once there is the app. */
  #image(name: string, args: AppAtFlyArgs): pulumi.Input<string> {
    const { config, access, builder, loginKey } = args;
    const { reference, archive } = config.image;
    if (reference !== undefined) return reference;
    const image = new NixImage(
      `${name}-image`,
      { package: args.package, archive, architecture: architectures[flySystem], builder, loginKey },
      { parent: this },
    );
    const pushed = new RegistryPush(
      `${name}-push`,
      {
        image: image.bringable,
        repository: `${access.registry}/${name}`,
        user: "x",
        password: access.token,
      },
      { parent: this, dependsOn: [this.app] },
    );
    return pushed.reference;
  }
}

function valuesOf(
  { secrets }: FlyAppConfig,
  values: AppAtFlyArgs["secrets"],
): Record<string, pulumi.Input<string>> {
  return Object.fromEntries(
    Object.entries(secrets).map(([variable, name]) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined) throw new Error(`there is no secret "${name}"`);
      return [variable, value];
    }),
  );
}
