import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import type { StackPlan } from "../config/plan.ts";

export interface PlacementGroupsArgs {
  /**
   * Names in the stack's configuration.
   * @example ["web"]
   */
  names: readonly string[];
  /** Labels at Hetzner. */
  labels?: Record<string, string>;
}

/** The groups that hosts are in. */
export const placementNames = ({ hosts }: Pick<StackPlan, "hosts">): string[] => [
  ...new Set(hosts.flatMap(({ settings }) => settings.server?.placement ?? [])),
];

/** Groups whose servers run on different machines, at most ten each. */
export class PlacementGroups extends pulumi.ComponentResource {
  /** Hetzner's ids by name. */
  readonly ids: Record<string, pulumi.Output<string>>;

  constructor(name: string, args: PlacementGroupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:PlacementGroups", name, {}, opts);
    this.ids = Object.fromEntries(
      args.names.map((group) => [
        group,
        new hcloud.PlacementGroup(
          `${name}-${group}`,
          { name: `${pulumi.getStack()}-${group}`, type: "spread", labels: args.labels },
          { parent: this, deleteBeforeReplace: true },
        ).id,
      ]),
    );
    this.registerOutputs({});
  }
}
