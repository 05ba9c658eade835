import * as pulumi from "@pulumi/pulumi";
import type { HealthCheck } from "../config/manifest.ts";
import type { RebootPolicy } from "../config/reboot.ts";
import type { HostBuilds } from "./host-builds.ts";
import { type VerifiedHostWay, withWay } from "./host-way.ts";

export interface DeploymentArgs extends VerifiedHostWay {
  /** Where the health checks are asked as well; empty when the machine has no second address. */
  ipv6Address?: pulumi.Input<string>;
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
  /** How many hosts of the stack may be on trial at a time; a change of it alone changes no host. @default no limit */
  maxUnavailable?: number;
  /** Where its system is built, and how it gets there. @default on the machine that deploys, without a cache; five releases are kept */
  builds?: HostBuilds;
  /** Seconds a new system has to stay healthy before it is kept. @default 0 */
  healthyFor?: pulumi.Input<number>;
  /**
   * What an update does about a host that was seen to run something else.
   * @default "repair"
   * @example "report"
   */
  drift?: pulumi.Input<"repair" | "report">;
  /**
   * When the host may be rebooted because a release needs it.
   * @default { when: "told" }
   * @example { when: "window", window: "Sun 03:00", hours: 2 }
   */
  reboot?: RebootPolicy;
  /**
   * A command line that root's shell runs on the host once a release is there and before it is switched to, with $BERTH_NEW and $BERTH_OLD, and
   * the seconds it may take.
   * @default nothing is run
   * @example { command: "$BERTH_NEW/sw/bin/site-migrate", seconds: 600 }
   */
  before?: pulumi.Input<{ command: pulumi.Input<string>; seconds: pulumi.Input<number> }>;
  /**
   * Whether a release that is not healthy is returned from; "never" keeps it as long as the host lets the deployer in.
   * @default "auto"
   * @example "never"
   */
  rollback?: pulumi.Input<"auto" | "never">;
  /** What resets the machine when it does not come up from a reboot; secret. @default nothing does */
  power?: pulumi.Input<{
    /** Hetzner's id of the server. */
    serverId: pulumi.Input<string>;
    token: pulumi.Input<string>;
    endpoint: pulumi.Input<string>;
  }>;
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
  /** What only a reboot puts in force, e.g. ["kernel"]. */
  declare readonly rebootDue: pulumi.Output<string[]>;
  /** The toplevel that ran before. */
  declare readonly previous: pulumi.Output<string>;

  constructor(name: string, args: DeploymentArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = {
      ...withWay(args),
      healthDeadline: args.healthDeadline ?? 60,
      healthyFor: args.healthyFor ?? 0,
      drift: args.drift ?? "repair",
      reboot: args.reboot ?? { when: "told" as const },
    };
    super(
      "berth:deploy:Deployment",
      name,
      { ...inputs, release: undefined, bootDefault: undefined, rebootDue: undefined, previous: undefined },
      opts,
    );
  }
}
