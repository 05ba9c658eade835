import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { numericId } from "./ids.ts";

export interface FirewallArgs {
  /**
   * Name at Hetzner, unique in the project.
   * @example "prod-web1-open"
   */
  firewallName: string;
  /** What comes in and goes out. The rules of several firewalls of a server add up. */
  rules: hcloud.types.input.FirewallRule[];
  /**
   * Labels at Hetzner.
   * @example { "berth-stack": "prod" }
   */
  labels?: Record<string, string> | undefined;
  /** The server it is attached to from the start; see `attachTo`. */
  server?: hcloud.Server;
  /** What must have gone well before it is made or changed, and attached to `server`. @default nothing */
  after?: pulumi.Resource[];
  /** What the hcloud.Firewall was called in stacks that have it. */
  formerly?: pulumi.Alias[];
}

/**
 * A firewall of Hetzner's. A host has three, so that no release cuts itself off:
 *
 * | firewall | rules | changed |
 * |---|---|---|
 * | `ssh` | ssh and ping | with the configuration |
 * | `open` | the new release's ports | before the release is tried |
 * | `closing` | the same ports | after the release was kept |
 *
 * While a release is on trial its ports and those of the release before are open; after one that failed they stay so.
 */
export class Firewall extends pulumi.ComponentResource {
  /** Hetzner's id, as servers take it. */
  readonly firewallId: pulumi.Output<number>;
  /** The resources underneath. */
  readonly nodes: { firewall: hcloud.Firewall };
  readonly #name: string;
  readonly #after: pulumi.Resource[];

  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:Firewall", name, {}, opts);
    this.#name = name;
    this.#after = args.after ?? [];
    const firewall = new hcloud.Firewall(
      `${name}-firewall`,
      { name: args.firewallName, rules: args.rules, labels: args.labels },
      {
        parent: this,
        deleteBeforeReplace: true,
        // Said of every child: a component's own `dependsOn` reaches the engine for the component alone.
        dependsOn: this.#after,
        ...(args.formerly ? { aliases: args.formerly } : {}),
      },
    );
    this.nodes = { firewall };
    this.firewallId = numericId(firewall.id);
    if (args.server) this.attachTo(args.server);
    this.registerOutputs({});
  }

  /** Put the firewall in front of a server. One that is there already, since the server's order, is taken as it is. */
  attachTo(server: hcloud.Server): hcloud.FirewallAttachment {
    return new hcloud.FirewallAttachment(
      `${this.#name}-attachment`,
      { firewallId: this.firewallId, serverIds: [numericId(server.id)] },
      {
        parent: this,
        dependsOn: this.#after,
        deleteBeforeReplace: true,
        // Never taken away: it ends with the server or the firewall, and a server that is about to go would stand open till then.
        retainOnDelete: true,
        // An update would send an empty list for a server that has the firewall since its order.
        replaceOnChanges: ["serverIds"],
      },
    );
  }
}
