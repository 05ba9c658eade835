import { expect, test } from "vitest";
import { liveRun, outcomesOf, type RunHost } from "../../../../../cli/status/web/runs.ts";
import type { RunEvent } from "../../../../../deployer/runs/events.ts";
import { type AnyEvent, toplevel } from "./samples.ts";

const [a, b] = [toplevel("a"), toplevel("b")];
const name = "2026-11-22T120000Z-77";

/** Events a second apart. */
const timed = (events: readonly AnyEvent[]): RunEvent[] =>
  events.map(
    (event, index) =>
      ({ at: new Date(Date.UTC(2026, 10, 22, 12, 0, index)).toISOString(), ...event }) as RunEvent,
  );
const run = (events: readonly AnyEvent[], running = true) =>
  liveRun({ name, events: timed(events), running, report: false });

const plan: AnyEvent = {
  event: "plan",
  stack: "prod",
  groups: [["web2", "web10"], ["db"]],
  maxUnavailable: 1,
  wanted: { web2: b, web10: b, db: b },
};
const begin = (host: string): AnyEvent => ({ event: "begin", host, wanted: b });
const step = (host: string, step: string): AnyEvent => ({ event: "step", host, step });
const trial = (host: string): AnyEvent => ({ event: "trial", host });
const verdict = (host: string): AnyEvent => ({ event: "verdict", host });
const switched = (host: string): AnyEvent => ({
  event: "end",
  host,
  outcome: "switched",
  before: a,
  after: b,
});
const failed: AnyEvent = { event: "end", host: "web2", outcome: "failed", because: "no room" };

test.each<[string, AnyEvent[], boolean, Partial<RunHost>]>([
  ["has not begun", [plan], true, { doing: "not begun", wanted: b, steps: [] }],
  ["was never begun", [plan], false, { doing: "not begun" }],
  ["builds", [plan, begin("web2"), step("web2", "building")], true, { doing: "working" }],
  ["is on trial", [begin("web2"), trial("web2"), step("web2", "checking")], true, { doing: "on trial" }],
  ["is past its trial", [begin("web2"), trial("web2"), verdict("web2")], true, { doing: "working" }],
  [
    "was switched",
    [begin("web2"), trial("web2"), verdict("web2"), switched("web2")],
    true,
    { doing: "switched", before: a, after: b, ended: "2026-11-22T12:00:03.000Z" },
  ],
  ["failed", [begin("web2"), failed], false, { doing: "failed", because: "no room" }],
  [
    "was cut off",
    [begin("web2"), step("web2", "copying")],
    false,
    { doing: "interrupted", because: expect.stringContaining("it was cut off while copying") },
  ],
  [
    "was cut off and told so",
    [
      begin("web2"),
      step("web2", "copying"),
      { event: "end", host: "web2", outcome: "interrupted", because: "ssh was cancelled" },
    ],
    true,
    { doing: "interrupted", because: expect.stringContaining("it was cut off while copying") },
  ],
  [
    "is installed",
    [{ event: "installing", host: "web2", step: "the disk" }],
    true,
    { doing: "installing", steps: [expect.objectContaining({ what: "installation: the disk" })] },
  ],
  [
    "could not be installed",
    [{ event: "installed", host: "web2", failure: { cameBack: "no disk\nat all" } }],
    true,
    { doing: "failed", because: "no disk" },
  ],
  [
    "was installed before it was deployed to",
    [{ event: "installed", host: "web2" }, begin("web2"), step("web2", "building")],
    true,
    { doing: "working", began: "2026-11-22T12:00:00.000Z" },
  ],
  [
    "had nothing to do, as the table says",
    [plan, { event: "summary", exitCode: 0, results: [{ host: "web2", outcome: "unchanged", wanted: b }] }],
    true,
    { doing: "unchanged" },
  ],
  [
    "was begun again after it had failed",
    [begin("web2"), failed, begin("web2"), step("web2", "building")],
    true,
    {
      doing: "working",
      began: "2026-11-22T12:00:02.000Z",
      steps: [{ at: "2026-11-22T12:00:03.000Z", what: "building" }],
    },
  ],
])("a host that %s", (_, events, running, expected) => {
  expect(run(events, running).hosts[0]).toMatchObject({ host: "web2", ...expected });
});

test("hosts are in the order of the plan, those of a group by name; without one in that of their work", () => {
  const work = [begin("db"), begin("web10")];
  expect(run([plan, ...work]).hosts.map(({ host }) => host)).toEqual(["web2", "web10", "db"]);
  expect(run(work).hosts.map(({ host }) => host)).toEqual(["db", "web10"]);
});

test("trial and verdict stand among the steps, in their place", () => {
  const events = [begin("db"), step("db", "building"), trial("db"), step("db", "checking"), verdict("db")];
  const whats = run(events).hosts[0]?.steps.map(({ what }) => what);
  expect(whats).toEqual([
    "building",
    expect.stringContaining("trial begins"),
    "checking",
    expect.stringContaining("verdict"),
  ]);
});

test("outcomes are counted, the gravest first", () => {
  const ended = run([plan, begin("web2"), failed, begin("web10"), switched("web10")], false);
  expect(outcomesOf(ended)).toEqual([
    { doing: "failed", count: 1 },
    { doing: "switched", count: 1 },
    { doing: "not begun", count: 1 },
  ]);
});

test("what was found on the way stands among the steps; a closure does not", () => {
  const { steps } = run([
    begin("db"),
    { event: "closure", host: "db", toplevel: b, bytes: 1, paths: 1, packages: [], gone: [], newPaths: [] },
    { event: "lacks", host: "db", paths: 12, bytes: 3_400_000 },
    { event: "health", host: "db", check: "http://web/", healthy: true },
    { event: "health", host: "db", check: "http://web/", healthy: false, because: "it answered 502" },
    { event: "judged", host: "db", healthy: false, because: "it answered 502" },
  ]).hosts[0] as RunHost;
  expect(steps.map(({ what }) => what)).toEqual([
    "it lacks 12 paths, 3.4 MB",
    "http://web/: healthy",
    "http://web/: it answered 502",
    "it is not healthy: it answered 502",
  ]);
});

test("an update that has written its table has ended, whatever its process still does", () => {
  const events: AnyEvent[] = [begin("db"), { event: "summary", exitCode: 1, results: [] }];
  expect(run(events)).toMatchObject({ running: false, hosts: [{ doing: "interrupted" }] });
});

test("a record without a line that is understood is an update of nothing", () => {
  expect(run([])).toEqual({
    name,
    running: true,
    report: false,
    began: undefined,
    latest: undefined,
    hosts: [],
  });
});
