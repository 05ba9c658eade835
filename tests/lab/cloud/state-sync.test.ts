import { expect, test } from "vitest";
import { StateSync, sendList } from "../../../lab/cloud/state-sync.ts";

/** A driver that takes a moment, and what it was sent. */
function driver() {
  const sent: string[] = [];
  const failures: string[] = [];
  let running = 0;
  return {
    sent,
    failures,
    async take(state: string): Promise<void> {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      sent.push(state);
      const failure = failures.shift();
      if (failure !== undefined) throw new Error(failure);
    },
  };
}

test("changes that come while one is sent go together in the next, never two at a time", async () => {
  const { sent, take } = driver();
  let state = "a";
  const sync = new StateSync(() => take(state));
  const first = sync.push();
  await new Promise((resolve) => setImmediate(resolve));
  state = "b";
  const second = sync.push();
  state = "c";
  const third = sync.push();
  await Promise.all([first, second, third]);
  expect(sent).toEqual(["a", "c"]);
});

test("the next change is sent after the one that failed was taken back", async () => {
  const { sent, failures, take } = driver();
  const state = new Set(["before"]);
  const sync = new StateSync(() => take([...state].join()));
  failures.push("no");
  const refused = async () => {
    state.add("refused");
    // The failure takes a while to reach the one who takes the change back.
    const through = async (layers: number): Promise<void> =>
      layers === 0 ? sync.push() : through(layers - 1);
    await through(5).catch(() => state.delete("refused"));
  };
  const done = refused();
  await new Promise((resolve) => setImmediate(resolve));
  state.add("next");
  await sync.push();
  await done;
  expect(sent).toEqual(["before,refused", "before,next"]);
});

test("a failure reaches whoever asked for the change, and nobody after", async () => {
  const { failures, take } = driver();
  const sync = new StateSync(() => take("a"));
  failures.push("no");
  await expect(sync.push()).rejects.toThrow("no");
  await expect(sync.push()).resolves.toBeUndefined();
});

test("an empty list is sent only after one that was not", async () => {
  const sent: number[][] = [];
  let list: number[] = [];
  const send = sendList(
    () => list,
    async (wanted) => void sent.push(wanted),
  );
  await send();
  list = [1];
  await send();
  list = [];
  await send();
  expect(sent).toEqual([[1], []]);
});
