import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sideBySide } from "../../../../deployer/nix/side-by-side.ts";

test("every item is worked on once, no more at a time than may be, and the results keep the order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 6 }), async (items, atOnce) => {
      let now = 0;
      let most = 0;
      const results = await sideBySide(items, atOnce, async (turns) => {
        most = Math.max(most, ++now);
        for (let turn = 0; turn <= turns; turn++) await new Promise(setImmediate);
        now--;
        return turns;
      });
      expect(results).toEqual(items);
      expect(most).toBe(Math.min(atOnce, items.length));
    }),
  );
});

/** Ends late, and only by its signal. */
const untilEnded = async (signal: AbortSignal, ended: () => void) => {
  await sleep(60_000, undefined, { signal }).catch(() => undefined);
  await sleep(20);
  ended();
  throw new Error("it was ended");
};

test("the first that fails is what is told, once the others were ended; what has not begun does not begin", async () => {
  const begun: string[] = [];
  let ended = false;
  const all = sideBySide(["long", "bad", "late"], 2, async (item, signal) => {
    begun.push(item);
    if (item === "bad") throw new Error("bad failed");
    return await untilEnded(signal, () => {
      ended = true;
    });
  });
  await expect(all).rejects.toThrow("bad failed");
  expect(ended).toBe(true);
  expect(begun).toEqual(["long", "bad"]);
});

test("the caller's signal ends all of them", async () => {
  const caller = new AbortController();
  let ended = 0;
  const all = sideBySide(
    [1, 2, 3],
    2,
    async (_, signal) =>
      untilEnded(signal, () => {
        ended += 1;
      }),
    caller.signal,
  );
  caller.abort(new Error("interrupted"));
  await expect(all).rejects.toThrow(/interrupted|it was ended/);
  expect(ended).toBe(2);
});
