import { z } from "zod";
import type { LoadBalancerType } from "./catalogue.ts";
import type { Cloud } from "./context.ts";
import { ApiError, refusedField } from "./errors.ts";
import type { BalancerTargetRecord } from "./load-balancer-records.ts";

export const algorithm = z.enum(["round_robin", "least_connections"]);

/** A type by id or name; 422 when there is none. */
export function loadBalancerType(cloud: Cloud, wanted: number | string): LoadBalancerType {
  const type = cloud.catalogue().loadBalancerType(wanted);
  if (type === undefined) {
    throw refusedField("load_balancer_type", `load balancer type '${wanted}' not found`);
  }
  return type;
}

export function ensureTargetCount(targets: readonly BalancerTargetRecord[], type: LoadBalancerType): void {
  if (targets.length > type.max_targets) {
    throw new ApiError(
      "resource_limit_exceeded",
      `a load balancer of type ${type.name} can have ${type.max_targets} targets`,
    );
  }
}
