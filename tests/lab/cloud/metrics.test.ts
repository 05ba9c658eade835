import fc from "fast-check";
import { expect, test } from "vitest";
import { sampleTimes, samplingOf } from "../../../lab/cloud/metrics.ts";
import { orderServer, testCloud } from "./client.ts";

const query = (text: string) => new URLSearchParams(text);

test("metrics have the series of the types asked for, and zeros since the server is there", async () => {
  let now = Date.parse("2026-09-01T00:00:00Z");
  const cloud = await testCloud({ now: () => new Date(now) });
  const server = await orderServer(cloud);
  now += 60_000;
  const span = "start=2026-08-31T23:59:00Z&end=2026-09-01T00:02:00%2B00:00&step=30";
  const reply = await cloud.get(`/servers/${server}/metrics?type=cpu,network&${span}`);
  expect(reply.at("metrics")).toMatchObject({
    start: "2026-08-31T23:59:00+00:00",
    end: "2026-09-01T00:02:00+00:00",
    step: 30,
  });
  const series = reply.at("metrics.time_series") as Record<string, { values: unknown[] }>;
  expect(Object.keys(series)).toEqual([
    "cpu",
    "network.0.pps.in",
    "network.0.pps.out",
    "network.0.bandwidth.in",
    "network.0.bandwidth.out",
  ]);
  const midnight = Date.parse("2026-09-01T00:00:00Z") / 1000;
  expect(series.cpu?.values).toEqual([
    [midnight, "0"],
    [midnight + 30, "0"],
    [midnight + 60, "0"],
  ]);
});

test.each([
  ["no type", "start=2026-09-01T00:00:00Z&end=2026-09-01T00:01:00Z", "type"],
  ["an unknown type", "type=heat&start=2026-09-01T00:00:00Z&end=2026-09-01T00:01:00Z", "type"],
  ["no end", "type=cpu&start=2026-09-01T00:00:00Z", "end"],
  ["a time that is none", "type=cpu&start=soon&end=2026-09-01T00:01:00Z", "start"],
  ["an end before its start", "type=cpu&start=2026-09-02T00:00:00Z&end=2026-09-01T00:00:00Z", "end"],
  ["a step of nothing", "type=cpu&start=2026-09-01T00:00:00Z&end=2026-09-01T00:01:00Z&step=0", "step"],
])("metrics with %s are refused by field", async (_, text, field) => {
  const cloud = await testCloud();
  const reply = await cloud.get(`/servers/${await orderServer(cloud)}/metrics?${text}`);
  expect(reply.at("error")).toMatchObject({ code: "invalid_input", details: { fields: [{ name: field }] } });
});

test("whatever the span and step, there are at most 200 samples without a step and 500 with one", () => {
  const start = Date.parse("2026-09-01T00:00:00Z");
  fc.assert(
    fc.property(fc.nat(40 * 24 * 3600), fc.option(fc.integer({ min: 1, max: 10_000 })), (seconds, step) => {
      const end = new Date(start + seconds * 1000).toISOString();
      const sampling = samplingOf(
        query(`start=2026-09-01T00:00:00Z&end=${end}${step === null ? "" : `&step=${step}`}`),
      );
      const times = sampleTimes(sampling, 0, Number.MAX_SAFE_INTEGER);
      expect(times.length).toBeLessThanOrEqual(step === null ? 200 : 500);
      if (step !== null) expect(sampling.step).toBeGreaterThanOrEqual(step);
      for (const time of times) expect(time * 1000).toBeLessThan(Date.parse(end));
    }),
  );
});
