import { describe, expect, test } from "vitest";
import { type HostReport, type Report, reportOf } from "../../../../cli/report/model.ts";
import {
  anInstall,
  cutOff,
  nothingToDo,
  old,
  oneHost,
  recordOf,
  samples,
  tenHosts,
  wanted,
} from "./samples.ts";

const of = (events: Parameters<typeof reportOf>[0]): Report => {
  const report = reportOf(events);
  if (!report) throw new Error("there is no report");
  return report;
};
const hostOf = (report: Report, host: string): HostReport => {
  const found = report.hosts.find((one) => one.host === host);
  if (!found) throw new Error(`there is no ${host}`);
  return found;
};

test("a record with nothing in it is no update's", () => expect(reportOf([])).toBeUndefined());

test.each(Object.entries(samples))("of %s, phases are in order and within the update", (_, events) => {
  const report = of(events);
  for (const { phases } of report.hosts) {
    let last = 0;
    for (const { from, to } of phases) {
      expect(from).toBeGreaterThanOrEqual(last);
      expect(to).toBeGreaterThan(from);
      last = to;
    }
    expect(last).toBeLessThanOrEqual(report.seconds);
  }
});

describe("an update of one host", () => {
  const report = of(oneHost);
  const web1 = hostOf(report, "web1");

  test("has its phases, its trial and the verdict", () => {
    expect(web1.phases.map(({ kind }) => kind)).toEqual([
      "prepare",
      "build",
      "prepare",
      "copy",
      "switch",
      "check",
      "keep",
    ]);
    expect(web1).toMatchObject({
      ...{ outcome: "switched", done: true, before: old, after: wanted },
      trial: { from: 12, to: 15.6, judged: { at: 15.6, healthy: true } },
      lacked: { paths: 5, bytes: 102_600_000 },
    });
    expect(web1.failure).toBeUndefined();
  });

  test("has each check's answers in time", () => {
    expect(web1.checks).toMatchObject([
      {
        check: "https://www.example.org/healthz",
        answers: [
          { healthy: false, from: 14.5, looks: 1, because: expect.stringContaining("502") },
          { healthy: true, from: 14.8, looks: 1 },
        ],
      },
      { check: "TCP port 25", answers: [{ healthy: true }] },
    ]);
  });

  test("has its system beside the one before", () => {
    expect(report.closures).toHaveLength(1);
    expect(report.closures[0]).toMatchObject({
      hosts: ["web1"],
      toplevel: wanted,
      before: { toplevel: old },
    });
  });
});

describe("an update of ten hosts", () => {
  const report = of(tenHosts);

  test("has the system of them all once, with the hosts as people count them", () => {
    expect(report.closures.map(({ hosts }) => hosts.join(" "))).toEqual([
      "web1 web2 web4 web5 web6 web7 web8 web9 web10",
    ]);
  });

  test("tells the one that was rolled back in full, its journal once", () => {
    const { failure, checks, trial } = hostOf(report, "web4");
    expect(failure).toMatchObject({
      ...{ during: "release", cameBack: "these units failed: site@b.service", next: expect.any(String) },
      units: [{ unit: "site@b.service", journal: expect.stringContaining('relation "orders"') }],
    });
    expect(checks[0]?.answers.map(({ healthy, looks }) => [healthy, looks])).toEqual([
      [false, 1],
      [false, 6],
    ]);
    expect(trial?.judged).toMatchObject({ healthy: false });
  });

  test("tells the one that is dead, and waiting from working", () => {
    expect(hostOf(report, "web3").failure).toMatchObject({ tried: "open an ssh connection" });
    const waited = report.hosts.filter(({ phases }) => phases.some(({ kind }) => kind === "wait"));
    expect(waited.map(({ host }) => host)).toEqual(["web5", "web6", "web7", "web8", "web9", "web10"]);
  });
});

test("an installation that failed is the failure of a host that was not begun", () => {
  const web2 = hostOf(of(anInstall), "web2");
  expect(web2).toMatchObject({ outcome: "not started", failure: { during: "installation" } });
});

test("an update that was cut off tells where, and what it did not come to it does not tell", () => {
  const report = of(cutOff);
  expect(report.exitCode).toBeUndefined();
  expect(hostOf(report, "web1")).toMatchObject({
    ...{ outcome: "interrupted", done: false },
    failure: { cameBack: expect.stringContaining("cut off while copying 5 paths") },
  });
  expect(hostOf(report, "web1").phases.at(-1)).toMatchObject({ kind: "copy", cutOff: true });
  expect(hostOf(report, "web2")).toMatchObject({ outcome: "not recorded", done: null, phases: [] });
});

test("an update that had nothing to do has no phases", () => {
  const { hosts, seconds } = of(nothingToDo);
  expect([seconds, hosts.map(({ outcome, done }) => [outcome, done])]).toEqual([
    0,
    [
      ["unchanged", true],
      ["unchanged", true],
    ],
  ]);
});

test("a record without a plan, as pulumi up alone leaves it, tells of the hosts it names", () => {
  const events = recordOf([
    [0, { event: "begin", host: "web10", wanted }],
    [1, { event: "end", host: "web10", outcome: "failed", because: "no room" }],
    [1, { event: "begin", host: "web2", wanted }],
  ]);
  const report = reportOf(events, "prod");
  expect(report?.stack).toBe("prod");
  expect(report?.hosts.map(({ host, outcome }) => [host, outcome])).toEqual([
    ["web2", "interrupted"],
    ["web10", "failed"],
  ]);
  // Older records have no more than that line.
  expect(report?.hosts[1]?.failure).toMatchObject({ cameBack: "no room" });
});
