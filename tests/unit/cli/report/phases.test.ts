import { expect, test } from "vitest";
import { phaseOf, phasesOf } from "../../../../cli/report/phases.ts";
import type { RunEvent } from "../../../../deployer/runs/events.ts";

test.each([
  ["preparing", "prepare", "prepare"],
  ["building", "build", "build"],
  ["building site-1.2 (3 of 7), 12.4 MB fetched", "build", "build"],
  ["fetching glibc-2.42, 3.0 MB fetched", "build", "build"],
  ["copying what it is built from", "build", "build"],
  ["building on the host", "build", "build"],
  ["fetching 12 paths (3.0 MB) from https://cache.example.org", "copy", "copy"],
  ["copying 12 paths (3.0 MB)", "copy", "copy"],
  ["pushing what was built to the cache", "copy", "copy"],
  ["waiting for its turn: web1 on trial", "wait", "wait for its turn"],
  ["running what goes before the switch", "prepare", "before the switch"],
  ["switching on trial", "switch", "switch"],
  ["rebooting on trial (kernel)", "switch", "reboot"],
  ["waiting for the boot", "switch", "reboot"],
  ["checking its health", "check", "check"],
  ["looking at it over a new connection", "check", "check"],
  ["healthy; it has to stay so for 30 s", "check", "watch"],
  ["confirming", "keep", "keep"],
  ["keeping it as the boot default", "keep", "keep"],
  ["rolling back", "back", "roll back"],
  ["it does not answer: resetting the machine", "back", "roll back"],
  ["something that is new", "prepare", "something that is new"],
])("the step %j is %s", (step, kind, name) => expect(phaseOf(step)).toEqual({ kind, name }));

const host = "web1";
const at = (second: number) => new Date(second * 1_000).toISOString();
const secondsOf = (event: { at: string }) => Date.parse(event.at) / 1_000;
const step = (second: number, words: string): RunEvent => ({
  at: at(second),
  event: "step",
  host,
  step: words,
});

test("steps of a kind are one phase, what was over at once is none, and what has no end lasts to the record's", () => {
  const events: RunEvent[] = [
    { at: at(0), event: "begin", host, wanted: "x" },
    step(1, "building"),
    step(2, "building site (1 of 2)"),
    step(4, "preparing"),
    step(4, "copying 3 paths (1.0 MB)"),
    step(6, "waiting for its turn: web2 on trial"),
    { at: at(9), event: "trial", host },
    step(9, "switching on trial"),
  ];
  expect(phasesOf(events, secondsOf, 12)).toEqual([
    { kind: "prepare", name: "connect", from: 0, to: 1, steps: [] },
    { kind: "build", name: "build", from: 1, to: 4, steps: ["building", "building site (1 of 2)"] },
    { kind: "copy", name: "copy", from: 4, to: 6, steps: ["copying 3 paths (1.0 MB)"] },
    { kind: "wait", name: "wait for its turn", from: 6, to: 9, steps: [expect.stringContaining("web2")] },
    { kind: "switch", name: "switch", from: 9, to: 12, steps: ["switching on trial"], cutOff: true },
  ]);
});

test("an installation's phases go by their own names, and the release comes after it", () => {
  const installing = (second: number, words: string): RunEvent => ({
    ...{ at: at(second), event: "installing", host, step: words },
  });
  const events: RunEvent[] = [
    installing(0, "building the system, looking at the host"),
    installing(5, "phase disko: lay out the disk"),
    installing(6, "Formatting hard drive with disko"),
    installing(7, "waiting for the installed system"),
    installing(8, "installed"),
    { at: at(8), event: "installed", host },
    { at: at(20), event: "begin", host, wanted: "x" },
    { at: at(21), event: "end", host, outcome: "verified" },
  ];
  expect(phasesOf(events, secondsOf, 30).map(({ name, from, to }) => [name, from, to])).toEqual([
    ["building the system, looking at the host", 0, 5],
    ["lay out the disk", 5, 7],
    ["waiting for the installed system", 7, 8],
    ["connect", 20, 21],
  ]);
});
