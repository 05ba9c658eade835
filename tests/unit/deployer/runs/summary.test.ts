import { describe, expect, test } from "vitest";
import type { NewRunEvent, RunEvent } from "../../../../deployer/runs/events.ts";
import { isDone, seenToRun, summarise } from "../../../../deployer/runs/summary.ts";

/** A second after the other. */
const told = (...events: NewRunEvent[]): RunEvent[] =>
  events.map((event, second) => ({
    at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
    ...event,
  }));
const plan: NewRunEvent = {
  event: "plan",
  stack: "prod",
  groups: [["web1"], ["web2", "web3"]],
  maxUnavailable: 1,
  wanted: { web1: "new", web2: "new", web3: "new" },
};
const begin = (host: string): NewRunEvent => ({ event: "begin", host, wanted: "new" });
const runs = { web1: "old", web2: "old", web3: "new" };

describe("the summary of an update", () => {
  test("has the groups in their order, and in each the hosts as people count them", () => {
    const groups = [["web3"], ["web1", "web10", "web2"]];
    const wanted = Object.fromEntries(groups.flat().map((host) => [host, "new"]));
    const results = summarise(told({ ...plan, groups, wanted }), wanted) ?? [];
    expect(results.map(({ host }) => host)).toEqual(["web3", "web1", "web2", "web10"]);
  });

  test("tells of each host what was done and how long it took", () => {
    const events = told(
      plan,
      begin("web1"),
      { event: "trial", host: "web1" },
      { event: "end", host: "web1", outcome: "switched", before: "old", after: "new" },
      begin("web2"),
      {
        event: "end",
        host: "web2",
        outcome: "rolled back",
        before: "old",
        after: "old",
        because: "it answered 500",
      },
    );
    const results = summarise(events, runs) ?? [];
    expect(results).toEqual([
      { host: "web1", outcome: "switched", before: "old", after: "new", wanted: "new", seconds: 2 },
      {
        host: "web2",
        outcome: "rolled back",
        before: "old",
        after: "old",
        wanted: "new",
        seconds: 1,
        because: "it answered 500",
      },
      { host: "web3", outcome: "unchanged", before: "new", after: "new", wanted: "new" },
    ]);
    expect(results.map(isDone)).toEqual([true, false, true]);
  });

  test("names the host that held up those after it", () => {
    const events = told(plan, begin("web1"), { event: "end", host: "web1", outcome: "not reached" });
    const [, web2, web3] = summarise(events, { web1: "old", web2: "old" }) ?? [];
    expect(web2).toMatchObject({
      outcome: "not started",
      because: "web1, which comes before it, is not done: not reached",
    });
    expect(web3).toMatchObject({ outcome: "not started", before: undefined });
  });

  test("says why a host is left that somebody else has switched, unless there is another release", () => {
    const one = { ...plan, groups: [["web1"]], wanted: { web1: "new" } };
    const [left] = summarise(told(one), { web1: "by hand" }, { web1: "new" }) ?? [];
    expect(left).toMatchObject({ outcome: "held", because: expect.stringContaining("drift: report") });
    const [due] = summarise(told(one), { web1: "by hand" }, { web1: "old" }) ?? [];
    expect(due).toMatchObject({ outcome: "not started" });
  });

  test("promises of an unchanged host that was switched what the next update does about it", () => {
    const unchanged = {
      host: "web1",
      outcome: "unchanged",
      before: "new",
      after: "new",
      wanted: "new",
    } as const;
    expect(seenToRun(unchanged, "new", true)).toBe(unchanged);
    const repaired = seenToRun(unchanged, "by hand", false);
    expect(repaired).toMatchObject({ outcome: "unchanged", after: "by hand" });
    expect(repaired.because).toContain("berth up --refresh puts that right");
    const left = seenToRun(unchanged, "by hand", true);
    expect(left).toMatchObject({ outcome: "held", after: "by hand" });
    expect(left.because).toContain("drift: report");
    expect(left.because).not.toContain("--refresh");
  });

  test("says what was being done where an update was cut off", () => {
    const events = told(plan, begin("web1"), { event: "step", host: "web1", step: "copying 3 paths" });
    const [web1] = summarise(events, runs) ?? [];
    expect(web1).toMatchObject({ outcome: "interrupted", seconds: 1 });
    expect(web1?.because).toContain("cut off while copying 3 paths");
  });

  test("says the same of a host whose program was told so, in place of that one's words", () => {
    const events = told(
      plan,
      begin("web1"),
      { event: "step", host: "web1", step: "copying 3 paths" },
      { event: "end", host: "web1", outcome: "interrupted", because: "ssh was cancelled" },
    );
    const [web1] = summarise(events, runs) ?? [];
    expect(web1).toMatchObject({ outcome: "interrupted", seconds: 2 });
    expect(web1?.because).toContain("cut off while copying 3 paths");
  });

  test("does not blame an earlier host that is done", () => {
    const done: NewRunEvent = {
      event: "end",
      host: "web1",
      outcome: "verified",
      before: "new",
      after: "new",
    };
    const [, web2] = summarise(told(plan, begin("web1"), done), runs) ?? [];
    expect(web2?.because).toContain("what it needs did not come about");
  });

  test("is none where the update never had a plan", () => {
    expect(summarise(told(begin("web1")), runs)).toBeUndefined();
  });
});
