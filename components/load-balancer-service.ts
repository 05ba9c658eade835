import type * as hcloud from "@pulumi/hcloud";
import type * as pulumi from "@pulumi/pulumi";
import type { LoadBalancerConfig } from "../config/stack.ts";

type Service = LoadBalancerConfig["services"][number];

/** Seconds between two checks of a host, and until one counts as failed. */
const interval = 15;
const timeout = 10;
/** Checks in a row that fail before a host gets no traffic. */
const retries = 3;

/**
 * A service as Hetzner takes it. Hosts are spoken to in plain HTTP also behind https, which ends at the load balancer.
 * @param certificate Hetzner's id, for https
 */
export function balancedService(
  { protocol, port, targetPort, redirect, sticky, health }: Service,
  loadBalancerId: pulumi.Input<string>,
  certificate: pulumi.Input<number> | undefined,
): hcloud.LoadBalancerServiceArgs {
  const http = {
    ...(sticky ? { stickySessions: true } : {}),
    ...(protocol === "https" && redirect ? { redirectHttp: true } : {}),
    ...(protocol === "https" && certificate ? { certificates: [certificate] } : {}),
  };
  return {
    loadBalancerId,
    protocol,
    listenPort: port,
    destinationPort: targetPort,
    ...(protocol === "tcp" ? {} : { http }),
    healthCheck: {
      protocol: health ? "http" : "tcp",
      port: targetPort,
      interval,
      timeout,
      retries,
      ...(health && {
        http: {
          path: health.path,
          statusCodes: health.status,
          tls: false,
          ...(health.domain === undefined ? {} : { domain: health.domain }),
        },
      }),
    },
  };
}
