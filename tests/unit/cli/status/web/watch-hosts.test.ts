import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  HostWatch,
  type HostWatchOptions,
  isStale,
  seenIn,
} from "../../../../../cli/status/web/watch-hosts.ts";
import { deadLook, goodLook, stackOf, toplevel } from "./samples.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const second = 1_000;
/** What comes after so many seconds. */
const after = <T>(seconds: number, value: T): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(value), seconds * second));

function watching(options: Partial<HostWatchOptions> = {}, ...names: string[]) {
  const looked: [host: string, at: number][] = [];
  const began = Date.now();
  const state = stackOf(...(names.length > 0 ? names : ["web1", "web2"]));
  const look =
    options.look ?? ((_: unknown, host: string) => after(host === "web2" ? 15 : 1, goodLook(host)));
  const watch = new HostWatch({
    state,
    read: async () => state,
    every: 10 * second,
    grewAt: () => undefined,
    onChange: () => undefined,
    ...options,
    look: (view, host, known) => {
      looked.push([host, (Date.now() - began) / second]);
      return look(view, host, known);
    },
  });
  const times = (wanted: string) => looked.filter(([host]) => host === wanted).map(([, at]) => at);
  const seen = () => watch.hosts.map(({ host, looking, seen }) => [host, looking, seen?.status.well]);
  return { watch, looked, times, seen };
}
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * second);

test("each host is shown as soon as it was seen, and one that takes its time holds no other up", async () => {
  const { watch, times, seen } = watching();
  watch.hold();
  expect(seen()).toEqual([
    ["web1", true, undefined],
    ["web2", true, undefined],
  ]);
  await pass(2);
  expect(seen()).toEqual([
    ["web1", false, true],
    ["web2", true, undefined],
  ]);
  await pass(40);
  // From the end of one look to the next, and never two at a time.
  expect(times("web1")).toEqual([0, 11, 22, 33]);
  expect(times("web2")).toEqual([0, 25]);
});

test("nobody looks while nobody wants to see, and at once when somebody does", async () => {
  const { watch, looked } = watching({ look: async (_, host) => goodLook(host) }, "web1");
  await pass(60);
  expect(looked).toEqual([]);
  const release = watch.hold();
  const other = watch.hold();
  release();
  release();
  await pass(11);
  expect(looked).toHaveLength(2);
  other();
  await pass(60);
  expect(looked).toHaveLength(2);
  watch.want(12 * second);
  await pass(60);
  expect(looked).toHaveLength(4);
});

test("a look that throws is a host that was not reached", async () => {
  const { watch } = watching({ look: () => Promise.reject(new Error("no room for keys")) }, "web1");
  watch.hold();
  await pass(1);
  expect(watch.hosts[0]?.seen?.status).toMatchObject({
    reached: false,
    wrong: expect.arrayContaining(["no room for keys"]),
  });
});

test("a host that something has happened to is looked at anew at once, also when that came during a look", async () => {
  const { watch, times } = watching({}, "web1");
  watch.hold();
  await pass(3.5);
  watch.nudge("web1");
  await pass(1);
  expect(times("web1")).toEqual([0, 4]);
  watch.nudge("web1");
  await pass(2);
  expect(times("web1")).toEqual([0, 4, 6]);
});

test("the state is read anew while a record grows; a host that has come is shown, one that has gone is not", async () => {
  let grewAt: number | undefined;
  let reads = 0;
  const { watch, times, seen } = watching({
    grewAt: () => grewAt,
    read: async () => {
      reads++;
      const state = stackOf("web1", "web3");
      const web1 = state.known["web1"];
      return web1
        ? { ...state, known: { ...state.known, web1: { ...web1, release: toplevel("c") } } }
        : state;
    },
  });
  watch.hold();
  await pass(14.5);
  expect(reads).toBe(0);
  grewAt = Date.now();
  await pass(2);
  expect(reads).toBe(1);
  expect(seen().map(([host]) => host)).toEqual(["web1", "web3"]);
  // Before it was due: it is held against another release now.
  expect(times("web1")).toEqual([0, 11, 16]);
});

test("a state that cannot be read is told, and the hosts are looked at as before", async () => {
  let broken = true;
  const { watch, looked } = watching(
    { read: async () => (broken ? Promise.reject(new Error("no passphrase")) : stackOf("web1")) },
    "web1",
  );
  watch.hold();
  await pass(61);
  expect(watch.trouble).toBe("no passphrase");
  const before = looked.length;
  broken = false;
  await pass(61);
  expect(looked.length).toBeGreaterThan(before);
  expect(watch.trouble).toBeUndefined();
});

test("after stop nothing begins, and it ends when what was under way has", async () => {
  const { watch, looked } = watching({}, "web1");
  watch.hold();
  const stopped = watch.stop();
  await pass(2);
  await stopped;
  watch.want(60 * second);
  await pass(60);
  expect(looked).toHaveLength(1);
});

test.each([
  ["nothing has happened", 0, undefined, 59_000, false],
  ["a minute is over", 0, undefined, 60_000, true],
  ["a record has grown since", 10_000, 12_000, 13_000, true],
  ["a record grew so shortly before that the engine may not have saved it", 10_000, 9_000, 13_000, true],
  ["a record grew long before", 60_000, 9_000, 61_000, false],
])("when %s", (_, readAt, grewAt, now, stale) => expect(isStale(readAt, grewAt, now)).toBe(stale));

test("what is seen of a host has its releases, newest first, with what runs, boots and is held", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  const look = goodLook("web1");
  Object.assign(look.told.seen, {
    current: toplevel("a"),
    held: JSON.stringify({ toplevel: toplevel("b"), since: "2026-11-22T10:00:00Z", by: "ada" }),
  });
  const { at, releases } = seenIn(look, "prod", now);
  expect(at).toBe("2026-11-22T12:00:00.000Z");
  expect(releases).toMatchObject([
    { generation: 14, runs: false, boots: true, held: true, keptAt: "2026-11-22T09:00:00.000Z" },
    { generation: 13, runs: true, boots: false, held: false, label: "26.05" },
  ]);
  expect(seenIn(deadLook("web1"), "prod", now)).toMatchObject({ releases: [], status: { reached: false } });
});
