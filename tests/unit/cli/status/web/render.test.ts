import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HostLook } from "../../../../../cli/status/look.ts";
import { countHosts, type LivePage, livePage } from "../../../../../cli/status/web/model.ts";
import { partsOf, wholePage } from "../../../../../cli/status/web/render.ts";
import type { SeenRun } from "../../../../../cli/status/web/runs.ts";
import { livePageDocument } from "../../../../../cli/status/web/shell.ts";
import { type SeenHost, seenIn } from "../../../../../cli/status/web/watch-hosts.ts";
import type { RunEvent } from "../../../../../deployer/runs/events.ts";
import { deadLook, goodLook, toplevel, troubledLook } from "./samples.ts";

const now = new Date("2026-11-22T12:00:00Z");
const seen = (look: HostLook): SeenHost => ({
  host: look.host,
  address: look.address,
  looking: false,
  seen: seenIn(look, "prod", now),
});
const unseen: SeenHost = { host: "web9", address: "203.0.113.9", looking: true, seen: undefined };
const page = (some: Partial<LivePage> & { runs?: SeenRun[] } = {}): LivePage => ({
  ...livePage({ stack: "prod", every: 15, trouble: undefined, hosts: [], runs: [], ...some }),
});
/** What people read, and nothing of the mark-up. */
const read = (shown: LivePage): string =>
  wholePage(shown, now)
    .toString()
    .replaceAll(/<[^>]+>/g, " ")
    .replaceAll("&#39;", "'")
    .replaceAll(/\s+/g, " ");

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 11, 59, second)).toISOString();
const begin = (host: string): RunEvent => ({ event: "begin", at: at(0), host, wanted: toplevel("c") });
const update = (events: RunEvent[], more: Partial<SeenRun> = {}): SeenRun => ({
  name: "2026-11-22T115900Z-77",
  events,
  running: true,
  report: false,
  ...more,
});

describe("what is told of a host", () => {
  test.each<[string, SeenHost, string[]]>([
    [
      "that is well",
      seen(goodLook("web1")),
      [
        "web1 ✓ well 203.0.113.7; seen 0 s ago",
        "release bbbbbb…-nixos-system-web",
        "generation 14, kept 3 h ago",
        "health ✓ healthy 1 of 1",
        "drift no",
        "reboot not due",
        "failed units none",
        "/ free 24.0 GB, 60 %",
        "/boot free 800 MB, 80 %",
        "TLS site.example.org 26700 days left",
        "Checks: 1 http://site.example.org/healthz",
        "14 3 h ago – bbbbbb…-nixos-system-web ✓ runs · boots next",
        "13 2 days ago 26.05 aaaaaa…-nixos-system-web –",
      ],
    ],
    [
      "that is dead",
      seen(deadLook("web1")),
      ["✕ not reached", "no answer in time", "connect EHOSTUNREACH", "Checks: 1"],
    ],
    [
      "that somebody has to see to",
      seen(troubledLook("web1")),
      [
        "! not well",
        "reboot ! due kernel, initrd",
        "failed units backup.service",
        "/ free 2.0 GB, 5 %",
        "held bbbbbb…-nixos-system-web rolled back by hand by ada at 2026-11-22T10:00:00Z (checkout is broken)",
        "· boots next ! held",
      ],
    ],
    [
      "that nobody has seen yet",
      unseen,
      ["web9 … not seen yet 203.0.113.9; being looked at for the first time"],
    ],
  ])("%s", (_, host, told) => {
    const text = read(page({ hosts: [host] }));
    for (const one of told) expect(text).toContain(one);
  });

  test("a host that is dead tells nothing that nobody knows", () => {
    expect(read(page({ hosts: [seen(deadLook("web1"))] }))).not.toMatch(/drift|reboot|Releases/);
  });
});

test.each<[string, SeenHost[], string]>([
  ["no host", [], "The stack has no hosts yet"],
  ["all are well", [seen(goodLook("web1"))], "all hosts are well: 1"],
  ["one is not", [seen(goodLook("web1")), seen(deadLook("web2"))], "1 of 2 hosts are well"],
  ["some are to come", [seen(goodLook("web1")), unseen], "1 of 2 looked at 1 of them is well"],
])("hosts are counted: %s", (_, hosts, told) => {
  expect(read(page({ hosts }))).toContain(told);
  expect(countHosts(hosts).all).toBe(hosts.length);
});

describe("what is told of an update", () => {
  const step: RunEvent = { event: "step", at: at(2), host: "web1", step: "copying 12 paths" };
  const ended: RunEvent = {
    event: "end",
    at: at(30),
    host: "web1",
    outcome: "rolled back",
    before: toplevel("b"),
    after: toplevel("b"),
    because: "GET http://site answered 502",
  };
  const plan: RunEvent = {
    event: "plan",
    at: at(0),
    stack: "prod",
    groups: [["web1", "web2"]],
    maxUnavailable: 1,
    wanted: {},
  };

  test.each<[string, SeenRun[], string[]]>([
    ["there is none", [], ["There is no record of an update", "pulumi up"]],
    [
      "it builds",
      [update([plan, begin("web1"), step])],
      [
        "The update that is running … running begun 60 s ago ; 0 of 2 hosts are done",
        "web1 … working to cccccc…-nixos-system-web begun 60 s ago copying 12 paths 58 s ago",
        "Steps: 1 +2.0 s copying 12 paths",
        "Not begun, or with nothing to do: web2",
      ],
    ],
    [
      "it is on trial",
      [update([begin("web1"), { event: "trial", at: at(3), host: "web1" }])],
      ["web1 … on trial to cccccc", "the trial begins"],
    ],
    [
      "it has ended",
      [update([plan, begin("web1"), step, ended], { running: false, report: true })],
      [
        "The last update ✕ rolled back begun 60 s ago ; it took 30 s. Its report",
        "web1 ✕ rolled back bbbbbb…-nixos-system-web took 30 s",
        "GET http://site answered 502",
        "Not come to, or with nothing to do: web2",
      ],
    ],
    [
      "it was cut off",
      [update([begin("web1"), step], { running: false })],
      ["! interrupted", "it was cut off while copying 12 paths"],
    ],
    [
      "there were others",
      [update([begin("web1")]), update([begin("web1"), ended], { name: "earlier", running: false })],
      ["Earlier updates", "2026-11-22 11:59:00 UTC 60 s ago ✕ rolled back 1 30 s –"],
    ],
  ])("when %s", (_, runs, told) => {
    const text = read(page({ runs }));
    for (const one of told) expect(text).toContain(one);
  });

  test("a report is linked where there is one", () => {
    const link = '<a href="reports/2026-11-22T115900Z-77.html">';
    const shown = (report: boolean) =>
      wholePage(page({ runs: [update([begin("web1")], { report })] }), now).toString();
    expect(shown(true)).toContain(link);
    expect(shown(false)).not.toContain("reports/");
  });
});

test("a part is sent anew when what it shows has changed, and not because time has passed", () => {
  const keys = (shown: LivePage) => partsOf(shown).map(({ id, key }) => [id, key]);
  const host = seen(goodLook("web1"));
  const before = keys(page({ hosts: [host], runs: [update([begin("web1")])] }));
  expect(keys(page({ hosts: [host], runs: [update([begin("web1")])] }))).toEqual(before);
  const changed = keys(page({ hosts: [{ ...host, looking: true }], runs: [update([begin("web1")])] }));
  expect(changed.filter(([, key], index) => key !== before[index]?.[1]).map(([id]) => id)).toEqual([
    "host-web1",
  ]);
});

test("each part has its id once in the page, in itself", () => {
  const shown = page({ hosts: [seen(goodLook("web1")), unseen], runs: [update([begin("web1")])] });
  const text = wholePage(shown, now).toString();
  const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, render } of partsOf(shown)) {
    expect(ids).toContain(id);
    expect(render(now).toString()).toMatch(new RegExp(`^<\\w+ id="${id}"`));
  }
});

test("whatever hosts, checks, records and errors say is text", () => {
  const tags = (shown: LivePage) =>
    livePageDocument(shown, wholePage(shown, now), { script: "tick()", nonce: "n", port: 1, now })
      .match(/<[^>]*>/g)
      ?.map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
  const saying = (text: string): LivePage => {
    const look = troubledLook(text);
    Object.assign(look.told.seen, {
      current: text,
      pendingReboot: [text],
      failed: [{ unit: text, journal: text }],
      held: JSON.stringify({ toplevel: `${text}2`, since: text, by: text, why: text }),
    });
    look.told.generations = [{ number: 1, toplevel: text, at: 0, label: text, checks: null }];
    look.told.space = [{ at: text, size: 100e9, free: 50e9 }];
    look.checks = [{ check: { http: text }, verdict: { healthy: false, because: text } }];
    look.certificates = [{ of: { name: text, port: 443 }, seen: { because: text } }];
    look.address = text;
    const events: RunEvent[] = [
      { event: "plan", at: at(0), stack: text, groups: [[text, `${text}3`]], maxUnavailable: 1, wanted: {} },
      { event: "begin", at: at(0), host: text, wanted: text },
      { event: "step", at: at(1), host: text, step: text },
      {
        event: "end",
        at: at(2),
        host: text,
        outcome: "failed",
        before: text,
        after: `${text}4`,
        because: text,
      },
    ];
    const runs = [update(events, { report: true }), update(events, { running: false })];
    return page({ stack: text, trouble: text, hosts: [seen(look)], runs });
  };
  const plain = tags(saying("plain"));
  expect(plain?.length).toBeGreaterThan(100);
  expect(tags(saying(`"'><script>alert(1)</script><!--`))).toEqual(plain);
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(tags(saying(`x${text}`))).toEqual(plain);
    }),
  );
});
