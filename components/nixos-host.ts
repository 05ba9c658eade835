import * as pulumi from "@pulumi/pulumi";
import type { HostConfig } from "../config/host.ts";
import type { HostManifest } from "../config/manifest.ts";
import type { PriceItem } from "../config/plan.ts";
import { sumPrices } from "../config/prices.ts";
import { Deployment } from "./deployment.ts";
import { HetznerServer } from "./hetzner-server.ts";
import { HostIdentity } from "./host-identity.ts";
import { Installation } from "./installation.ts";

/** Who may log in, and with which key this program does. */
export interface Access {
  /** Hetzner's id of the login key. */
  sshKeyId: pulumi.Input<string>;
  /** Private key of the login. Secret. */
  loginKey: pulumi.Input<string>;
  /** Public keys that may log in as root, the login's own among them. */
  authorizedKeys: pulumi.Input<string[]>;
  /** Networks that reach ssh; from anywhere when empty. */
  from: readonly string[];
}

export interface NixosHostArgs {
  /** The host as the stack's configuration has it. */
  config: HostConfig;
  /** The host's system as the flake has it. */
  manifest: HostManifest;
  access: Access;
  /** What it costs, as planned. */
  price: readonly PriceItem[];
  /** Keep the server, its addresses and its installation from being deleted or replaced. @default true */
  protect?: boolean;
}

/** What a stack tells about a host. */
export interface HostOutputs {
  /** Where people find it. */
  url: pulumi.Output<string>;
  address: pulumi.Output<string>;
  ipv6Address: pulumi.Output<string>;
  /** The toplevel that runs. */
  release: pulumi.Output<string>;
  /** Public host key. */
  hostKey: pulumi.Output<string>;
  /** Net a month of what has a known price, in the plan's currency. */
  pricePerMonth: number;
}

/** A host from order to running release: hardware, identity, installation, deployment. */
export class NixosHost extends pulumi.ComponentResource {
  readonly outputs: HostOutputs;
  readonly hardware: HetznerServer;
  readonly deployment: Deployment;

  constructor(name: string, args: NixosHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:index:NixosHost", name, {}, opts);
    const protect = args.protect ?? true;
    const identity = new HostIdentity(`${name}-identity`, { host: name }, { parent: this });
    this.hardware = this.#hardware(name, args, identity, protect);
    const installation = this.#installation(name, args, identity, protect);
    this.deployment = this.#deployment(name, args, identity, installation);
    this.outputs = this.#describe(args, identity);
    this.registerOutputs(this.outputs);
  }

  #hardware(
    name: string,
    { config, manifest, access }: NixosHostArgs,
    identity: HostIdentity,
    protect: boolean,
  ): HetznerServer {
    return new HetznerServer(
      `${name}-hardware`,
      {
        serverName: `${pulumi.getStack()}-${name}`,
        serverType: config.server?.type ?? "",
        location: config.server?.location ?? "",
        image: config.server?.image ?? "",
        userData: identity.userData,
        sshKeyId: access.sshKeyId,
        ports: manifest.ports,
        sshFrom: access.from,
        protect,
        labels: { "berth-stack": pulumi.getStack(), "berth-host": name },
      },
      { parent: this },
    );
  }

  #installation(
    name: string,
    { manifest, access }: NixosHostArgs,
    identity: HostIdentity,
    protect: boolean,
  ): Installation {
    return new Installation(
      `${name}-installation`,
      {
        host: name,
        address: this.hardware.address,
        machineId: this.hardware.machineId,
        bootstrapPublicKey: identity.bootstrapPublicKey,
        publicKey: identity.publicKey,
        privateKey: identity.privateKey,
        loginKey: access.loginKey,
        authorizedKeys: access.authorizedKeys,
        manifest,
        protect,
      },
      { parent: this },
    );
  }

  #deployment(
    name: string,
    { config, manifest, access }: NixosHostArgs,
    identity: HostIdentity,
    installation: Installation,
  ): Deployment {
    return new Deployment(
      `${name}-deployment`,
      {
        host: name,
        address: this.hardware.address,
        ipv6Address: this.hardware.ipv6Address,
        hostKey: identity.publicKey,
        loginKey: access.loginKey,
        // Not the server's own id: the host can be deployed to when it is installed, not when it is ordered.
        machineId: installation.installed,
        system: manifest.system,
        toplevel: manifest.toplevel.out,
        drvPath: manifest.toplevel.drvPath,
        health: [...manifest.health, ...config.health],
        healthDeadline: config.healthDeadline,
      },
      { parent: this, dependsOn: [installation] },
    );
  }

  #describe({ config, manifest, price }: NixosHostArgs, identity: HostIdentity): HostOutputs {
    const scheme = manifest.ports.tcp.includes(443) ? "https" : "http";
    return {
      url: this.hardware.address.apply((address) => `${scheme}://${config.domain ?? address}/`),
      address: this.hardware.address,
      ipv6Address: this.hardware.ipv6Address,
      // With --continue-on-error the program goes on without this deployment; the stack's outputs must not fall with it.
      release: pulumi.recover(this.deployment.release, () => "its deployment failed"),
      hostKey: identity.publicKey,
      pricePerMonth: sumPrices(price).monthly,
    };
  }
}
