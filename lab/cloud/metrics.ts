import { idOf, idParam } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { invalidField, notFound } from "./errors.ts";
import type { Api } from "./http.ts";
import { filterValues } from "./query.ts";
import { serverRecords } from "./records.ts";
import { timestamp } from "./timing.ts";

/** The time series of each type, by the API's names. */
const series = {
  cpu: ["cpu"],
  disk: ["disk.0.iops.read", "disk.0.iops.write", "disk.0.bandwidth.read", "disk.0.bandwidth.write"],
  network: ["network.0.pps.in", "network.0.pps.out", "network.0.bandwidth.in", "network.0.bandwidth.out"],
} as const;

type MetricType = keyof typeof series;

/** Samples without a step, and at most. */
const usualSamples = 200;
const maxSamples = 500;
/** Milliseconds metrics are kept. */
const kept = 30 * 24 * 60 * 60 * 1000;

/** A span of time in milliseconds, and the seconds between its samples. */
export interface Sampling {
  start: number;
  end: number;
  step: number;
}

/** `GET /servers/{id}/metrics`. The drivers measure nothing, so every sample is zero; none is older than the server. */
export function serveServerMetrics(api: Api, cloud: Cloud): void {
  api.get(`/servers/${idParam}/metrics`, (request) => {
    const server = serverRecords(cloud.store).get(idOf(request));
    if (server === undefined) {
      throw notFound("server", idOf(request));
    }
    const types = metricTypes(request.query);
    const sampling = samplingOf(request.query);
    const since = Math.max(Date.parse(server.created), cloud.now().getTime() - kept);
    const values = sampleTimes(sampling, since, cloud.now().getTime()).map((time) => [time, "0"]);
    const time_series = Object.fromEntries(
      types.flatMap((type) => series[type].map((name) => [name, { values }])),
    );
    const { start, end, step } = sampling;
    return {
      status: 200,
      body: { metrics: { start: timestamp(start), end: timestamp(end), step, time_series } },
    };
  });
}

/** `type` is repeatable, and may hold several with commas. */
function metricTypes(query: URLSearchParams): MetricType[] {
  const asked = (filterValues(query, "type") ?? []).flatMap((value) => value.split(","));
  if (asked.length === 0) {
    throw invalidField("type", "is required");
  }
  const known = asked.filter((type): type is MetricType => Object.hasOwn(series, type));
  if (known.length < asked.length) {
    throw invalidField("type", `must be one of ${Object.keys(series).join(", ")}`);
  }
  return [...new Set(known)];
}

/** The span asked for; the step is widened so that there are never too many samples. */
export function samplingOf(query: URLSearchParams): Sampling {
  const [start, end] = [time(query, "start"), time(query, "end")];
  if (end < start) {
    throw invalidField("end", "must not be before start");
  }
  const text = query.get("step");
  const step = text === null ? undefined : Number(text);
  if (step !== undefined && !(step > 0)) {
    throw invalidField("step", "must be a positive number of seconds");
  }
  const seconds = (end - start) / 1000;
  const most = step === undefined ? usualSamples : maxSamples;
  return { start, end, step: Math.max(step ?? 1, Math.ceil(seconds / most), 1) };
}

/** Seconds of the samples within a span that lie between two moments. */
export function sampleTimes({ start, end, step }: Sampling, since: number, until: number): number[] {
  const count = Math.floor((end - start) / (step * 1000));
  return Array.from({ length: count }, (_, index) => start + index * step * 1000)
    .filter((at) => at >= since && at <= until)
    .map((at) => at / 1000);
}

function time(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  if (!text) {
    throw invalidField(name, "is required");
  }
  // A plus sign that was not escaped arrives as a space.
  const parsed = Date.parse(text.replace(" ", "+"));
  if (Number.isNaN(parsed)) {
    throw invalidField(name, "must be a time in RFC 3339 form");
  }
  return parsed;
}
