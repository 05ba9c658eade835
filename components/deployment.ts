import * as pulumi from "@pulumi/pulumi";
import type { HealthCheck } from "../config/manifest.ts";
import type { JumpHost } from "../deployer/ssh/config.ts";

export interface DeploymentArgs {
  /**
   * The host's name in the stack.
   * @example "web1"
   */
  host: string;
  /** Address of the machine; health checks connect to it, too. */
  address: pulumi.Input<string>;
  /** Where the health checks are asked as well; empty when the machine has no second address. */
  ipv6Address?: pulumi.Input<string>;
  /** Port of ssh. @default 22 */
  port?: pulumi.Input<number>;
  /** The host key it must have, "ssh-ed25519 AAAA…". */
  hostKey: pulumi.Input<string>;
  /** The machine that every connection goes through. @default none */
  jump?: pulumi.Input<JumpHost> | undefined;
  /** Private key that logs in as root; the ssh agent's when absent. Secret. */
  loginKey?: pulumi.Input<string>;
  /** The machine the system runs on; another one is deployed to anew. */
  machineId: pulumi.Input<string>;
  /** Nix system of the toplevel, e.g. "x86_64-linux". */
  system: pulumi.Input<string>;
  /** The NixOS toplevel that shall run, a store path. A change switches the host. */
  toplevel: pulumi.Input<string>;
  /** The derivation that builds it. */
  drvPath: pulumi.Input<string>;
  /** What must answer, asked from outside, before a new system is kept. */
  health: pulumi.Input<HealthCheck[]>;
  /** Seconds a new system has to become healthy before it is rolled back. @default 60 */
  healthDeadline?: pulumi.Input<number>;
  /**
   * Credentials that services expect, which are in place already. Another `revision` has those services restarted that run with older ones.
   * @default none
   * @example { revision: secrets.revision, names: { site: ["DATABASE_URL"] } }
   */
  credentials?: { revision: pulumi.Input<string>; names: Record<string, string[]> };
}

/**
 * The system a host runs, verified. A resource of Berth's own provider (`provider/resources/deployment.ts`): builds, copies,
 * switches on trial, checks from outside over a new connection, and keeps the new system or returns to the old one.
 */
export class Deployment extends pulumi.CustomResource {
  /** The toplevel that runs. */
  declare readonly release: pulumi.Output<string>;
  /** The toplevel that the next boot starts. */
  declare readonly bootDefault: pulumi.Output<string>;
  /** The toplevel that ran before. */
  declare readonly previous: pulumi.Output<string>;

  constructor(name: string, args: DeploymentArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = {
      ...args,
      stack: pulumi.getStack(),
      port: args.port ?? 22,
      healthDeadline: args.healthDeadline ?? 60,
      loginKey: args.loginKey === undefined ? undefined : pulumi.secret(args.loginKey),
    };
    super(
      "berth:deploy:Deployment",
      name,
      { ...inputs, release: undefined, bootDefault: undefined, previous: undefined },
      opts,
    );
  }
}
