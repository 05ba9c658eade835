import { expect, test } from "vitest";
import { Failure } from "../../../../deployer/failure.ts";
import { type NewRunEvent, parseEvents } from "../../../../deployer/runs/events.ts";
import { closureEvent, recordLearnt, toldFailure } from "../../../../deployer/runs/learnt.ts";

const path = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`;
const [old, wanted] = [path("a", "nixos-system-web-1"), path("b", "nixos-system-web-2")];
const glibc = path("c", "glibc-2.40");

test("a closure is told by packages, the largest first, with what differs from the system before", () => {
  const event = closureEvent("web1", wanted, {
    paths: [
      { path: wanted, bytes: 10, shared: false },
      { path: glibc, bytes: 50, shared: true },
      { path: path("d", "site-2"), bytes: 30, shared: false },
      { path: path("e", "redis-7"), bytes: 20, shared: false },
    ],
    beside: old,
    before: [
      { path: old, bytes: 11 },
      { path: glibc, bytes: 50 },
      { path: path("f", "site-1"), bytes: 25 },
      { path: path("9", "zip-3"), bytes: 4 },
    ],
  });
  expect(event).toEqual({
    event: "closure",
    host: "web1",
    toplevel: wanted,
    bytes: 110,
    paths: 4,
    before: { toplevel: old, bytes: 90, paths: 4 },
    packages: [
      { name: "glibc", bytes: 50, versions: ["2.40"], state: "same" },
      { name: "site", bytes: 30, versions: ["2"], state: "changed", before: { bytes: 25, versions: ["1"] } },
      { name: "redis", bytes: 20, versions: ["7"], state: "new" },
      {
        ...{ name: "nixos-system-web", bytes: 10, versions: ["2"], state: "changed" },
        before: { bytes: 11, versions: ["1"] },
      },
    ],
    gone: [{ name: "zip", bytes: 4, versions: ["3"] }],
    newPaths: [
      { path: path("d", "site-2"), bytes: 30 },
      { path: path("e", "redis-7"), bytes: 20 },
      { path: wanted, bytes: 10 },
    ],
  });
});

test("of a closure beside nothing that is known, no package is called new", () => {
  const event = closureEvent("web1", wanted, { paths: [{ path: glibc, bytes: 50 }] });
  expect(event).toMatchObject({ packages: [{ name: "glibc", state: "same" }], newPaths: [], gone: [] });
  expect(event).not.toHaveProperty("before");
});

test("looks are told as they change, and the same answer once a second", () => {
  const told: NewRunEvent[] = [];
  let at = 0;
  const learnt = recordLearnt({ add: (event) => told.push(event) }, "web1", wanted, () => at);
  const look = (milliseconds: number, because?: string, address = "203.0.113.7") => {
    at = milliseconds;
    const verdict =
      because === undefined ? { healthy: true as const, took: 3 } : { healthy: false as const, because };
    learnt.look({ check: "http://web/", address, verdict });
  };
  look(0, "answered 502");
  look(250, "answered 502");
  look(250, "answered 502", "2001:db8::1");
  look(500, "answered 500");
  look(999, "answered 500");
  look(1_500, "answered 500");
  look(1_600);
  expect(told.map((event) => ("because" in event ? event.because : "healthy"))).toEqual([
    "answered 502",
    "answered 502",
    "answered 500",
    "answered 500",
    "healthy",
  ]);
  expect(told[0]).toEqual({
    event: "health",
    host: "web1",
    check: "http://web/",
    address: "203.0.113.7",
    healthy: false,
    because: "answered 502",
  });
});

test("a verdict is told with the units that failed; an error in its parts", () => {
  const told: NewRunEvent[] = [];
  const learnt = recordLearnt({ add: (event) => told.push(event) }, "web1", wanted);
  const units = [{ unit: "site.service", journal: "boom" }];
  learnt.judged({ healthy: false, because: "these units failed: site.service", units });
  learnt.lacks({ paths: 3, bytes: 1_000 });
  expect(told).toEqual([
    { event: "judged", host: "web1", healthy: false, because: "these units failed: site.service", units },
    { event: "lacks", host: "web1", paths: 3, bytes: 1_000 },
  ]);
  const parts = { tried: "deploy", cameBack: "no", next: "mend it" };
  expect(toldFailure(new Failure({ host: "web1", ...parts }))).toEqual(parts);
  expect(toldFailure(new Failure({ ...parts, stands: "as it was" }))).toEqual({
    ...parts,
    stands: "as it was",
  });
  expect(toldFailure(new Error("boom"))).toEqual({ cameBack: "boom" });
});

test("lines of a record from before there were so many kinds are read, and those of a later one left out", () => {
  const at = "2026-01-01T00:00:00.000Z";
  const end = { event: "end", at, host: "web1", outcome: "failed", because: "no" };
  const lines = [end, { event: "trial", at, host: "web1" }, { event: "from the future", at, host: "web1" }];
  const events = parseEvents(lines.map((line) => JSON.stringify(line)).join("\n"));
  expect(events).toEqual(lines.slice(0, 2));
});
