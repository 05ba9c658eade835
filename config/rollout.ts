import { z } from "zod";
import { hostName } from "./host.ts";
import type { Problem } from "./problems.ts";

const share = "a whole number from 1, or a share of the hosts such as 25%";

/** How a change goes over the hosts of a stack. */
export const rollout = z.strictObject({
  /**
   * Which hosts come first: each entry is a host or a list of hosts, and none begins before all of the entry before it are done. Hosts that
   * are not named come last, side by side. One that fails stops those that come after it.
   */
  order: z
    .array(z.union([hostName, z.array(hostName).min(1, "at least one host")]))
    .default([])
    .meta({ example: "[web1, [web2, web3]]" }),
  /** How many hosts may be between the start of a release's trial and its verdict at a time; at least one. */
  maxUnavailable: z
    .union([z.int(share).min(1, share), z.string().regex(/^([1-9]\d?|100)%$/, share)], share)
    .default("50%")
    .meta({ example: '"25%"' }),
});
export type RolloutConfig = z.infer<typeof rollout>;

/** The order in which the hosts of a stack get their releases. */
export interface RolloutPlan {
  /** Every host once; a group begins when all hosts of the one before it are done. */
  groups: string[][];
  /** Hosts that may be on trial at a time. */
  maxUnavailable: number;
}

/** Groups and limit for these hosts. Pure. What `order` names beside them is left out: `checkRollout` tells it. */
export function planRollout(hosts: readonly string[], { order, maxUnavailable }: RolloutConfig): RolloutPlan {
  const left = new Set(hosts);
  const groups = order.map((entry) => [entry].flat().filter((host) => left.delete(host)));
  return {
    groups: [...groups, [...left]].filter((group) => group.length > 0),
    maxUnavailable:
      typeof maxUnavailable === "number"
        ? maxUnavailable
        : Math.max(1, Math.floor((hosts.length * Number.parseInt(maxUnavailable, 10)) / 100)),
  };
}

/** Every host with those it comes after, all of which are before it in the list. */
export const inOrder = ({ groups }: RolloutPlan): { host: string; after: readonly string[] }[] =>
  groups.flatMap((group, index) => group.map((host) => ({ host, after: groups[index - 1] ?? [] })));

/** Hosts in `order` that there are not, or that it has twice. */
export function checkRollout(hosts: readonly string[], { order }: RolloutConfig): Problem[] {
  const named = order.flat();
  const at = (host: string) =>
    `berth:rollout.order.${order.findIndex((entry) => [entry].flat().includes(host))}`;
  const unknown = [...new Set(named)].filter((host) => !hosts.includes(host));
  const twice = [...new Set(named.filter((host, index) => named.indexOf(host) !== index))];
  return [
    ...unknown.map((host) => ({
      path: at(host),
      message: `the stack has no host "${host}"; it has ${hosts.join(", ")}`,
    })),
    ...twice.map((host) => ({ path: at(host), message: `"${host}" is in the order twice` })),
  ];
}
