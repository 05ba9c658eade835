import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Turns } from "../../../../deployer/rollout/turns.ts";

/** Whether a promise has come true by now. */
const settled = (promise: Promise<unknown>) =>
  Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    sleep(5, false),
  ]);

describe("turns", () => {
  test("are had at once while fewer are taken than may be", async () => {
    const turns = new Turns();
    await turns.take("web1", 2);
    expect(await settled(turns.take("web2", 2))).toBe(true);
    expect(await settled(turns.take("web3", 2))).toBe(false);
  });

  test("are had at once or not at all by whoever does not wait, and never before somebody who does", async () => {
    const turns = new Turns();
    const first = turns.takeAtOnce("web1", 2);
    const second = turns.takeAtOnce("web2", 2);
    expect(turns.takeAtOnce("web3", 2)).toBeUndefined();
    const waiting = turns.take("web4", 1);
    first?.();
    expect(turns.takeAtOnce("web3", 2)).toBeUndefined();
    second?.();
    second?.();
    const fourth = await waiting;
    expect(turns.takeAtOnce("web3", 1)).toBeUndefined();
    fourth();
    expect(turns.takeAtOnce("web3", 1)).toBeDefined();
  });

  test("are given in the order that they were asked for, and back only once", async () => {
    const turns = new Turns();
    const back = await turns.take("web1", 1);
    const second = turns.take("web2", 1);
    const third = turns.take("web3", 1);
    back();
    back();
    expect(await settled(second)).toBe(true);
    expect(await settled(third)).toBe(false);
    (await second)();
    expect(await settled(third)).toBe(true);
  });

  test("tell whoever must wait who has one", async () => {
    const turns = new Turns();
    await turns.take("web1", 1, { onWait: () => expect.unreachable() });
    const told: (readonly string[])[] = [];
    void turns.take("web2", 1, { onWait: (holders) => told.push(holders) });
    expect(told).toEqual([["web1"]]);
  });

  test("are not waited for any longer when the update is cancelled, and whoever is behind moves up", async () => {
    const turns = new Turns();
    const back = await turns.take("web1", 1);
    const cancel = new AbortController();
    const second = turns.take("web2", 1, { signal: cancel.signal });
    const third = turns.take("web3", 1);
    cancel.abort(new Error("cancelled"));
    await expect(second).rejects.toThrow("cancelled");
    expect(await settled(third)).toBe(false);
    back();
    expect(await settled(third)).toBe(true);
    await expect(turns.take("web4", 9, { signal: cancel.signal })).rejects.toThrow("cancelled");
  });

  test("never exceed the limit, whoever comes and goes, and everybody gets one", async () => {
    const host = fc.record({ work: fc.nat(3), givesUp: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(host, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        async (hosts, most) => {
          const turns = new Turns();
          let [now, highest, done] = [0, 0, 0];
          const runs = hosts.map(async ({ work, givesUp }, index) => {
            const signal = givesUp ? AbortSignal.timeout(1) : undefined;
            const back = await turns
              .take(`web${index}`, most, signal ? { signal } : {})
              .catch(() => undefined);
            if (!back) return;
            now += 1;
            highest = Math.max(highest, now);
            await sleep(work);
            now -= 1;
            done += 1;
            back();
          });
          await Promise.all(runs);
          expect(highest).toBeLessThanOrEqual(most);
          expect(done).toBeGreaterThanOrEqual(hosts.filter(({ givesUp }) => !givesUp).length);
        },
      ),
      { numRuns: 40 },
    );
  });
});
