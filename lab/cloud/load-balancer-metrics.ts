import { find, idParam, type Resource } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { invalidField } from "./errors.ts";
import type { Api } from "./http.ts";
import type { LoadBalancerRecord } from "./load-balancer-records.ts";
import { sampleTimes, samplingOf } from "./metrics.ts";
import { filterValues } from "./query.ts";
import { timestamp } from "./timing.ts";

/** The time series of each type, by the API's names. */
const series = {
  open_connections: ["open_connections"],
  connections_per_second: ["connections_per_second"],
  requests_per_second: ["requests_per_second"],
  bandwidth: ["bandwidth.in", "bandwidth.out"],
} as const;

/** `GET /load_balancers/{id}/metrics`. The drivers measure nothing, so every sample is zero; none is older than the balancer. */
export function serveLoadBalancerMetrics(
  api: Api,
  cloud: Cloud,
  resource: Resource<LoadBalancerRecord>,
): void {
  api.get(`/load_balancers/${idParam}/metrics`, (request) => {
    const balancer = find(resource, request);
    const asked = (filterValues(request.query, "type") ?? []).flatMap((value) => value.split(","));
    const names = asked.flatMap((type) =>
      Object.hasOwn(series, type) ? series[type as keyof typeof series] : [],
    );
    if (asked.length === 0 || asked.some((type) => !Object.hasOwn(series, type))) {
      throw invalidField("type", `must be one of ${Object.keys(series).join(", ")}`);
    }
    const sampling = samplingOf(request.query);
    const now = cloud.now().getTime();
    const values = sampleTimes(sampling, Date.parse(balancer.created), now).map((time) => [time, "0"]);
    const { start, end, step } = sampling;
    return {
      status: 200,
      body: {
        metrics: {
          start: timestamp(start),
          end: timestamp(end),
          step,
          time_series: Object.fromEntries(names.map((name) => [name, { values }])),
        },
      },
    };
  });
}
