import type { RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import type { Clock } from "../../../deployer/clock.ts";
import { isPassing, mayBeDone, Passing, repeat, retryAfterOf, send } from "../../../deployer/requests.ts";
import { listening } from "../listening.ts";

const server = async (listener: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listening(listener)}/`;

describe("one request", () => {
  test("is answered with head and body, whatever the status", async () => {
    const url = await server((_, response) => response.writeHead(404, { "x-id": "7" }).end("not here"));
    const { response, text } = await send(url, {}, { deadline: 30_000 });
    expect([response.status, response.headers.get("x-id"), text]).toEqual([404, "7", "not here"]);
  });

  test.each<[string, RequestListener]>([
    ["not at all", () => {}],
    ["and then not to its end", (_, response) => void response.writeHead(200).write("half")],
  ])("that is answered %s ends at its deadline, and says so", async (_, listener) => {
    const url = await server(listener);
    await expect(send(url, {}, { deadline: 200 })).rejects.toThrow("no answer within 0.2 s");
  });

  test("to nobody says why", async () => {
    await expect(send("http://127.0.0.1:9/", {}, { deadline: 30_000 })).rejects.toThrow(/^no answer: \S/);
  });

  test("that is cut off in its answer has none", async () => {
    const url = await server((_, response) => {
      response.writeHead(200, { "content-length": "9" }).write("half", () => response.destroy());
    });
    await expect(send(url, {}, { deadline: 30_000 })).rejects.toThrow(/^no answer: \S/);
  });

  test("that is ended says what ended it", async () => {
    const url = await server(() => {});
    const reason = new Error("cancelled");
    const cancel = new AbortController();
    const ended = send(url, {}, { deadline: 30_000, signal: cancel.signal });
    cancel.abort(reason);
    await expect(ended).rejects.toBe(reason);
  });
});

test.each([
  [0, true, true],
  [400, false, false],
  [403, false, false],
  [404, false, false],
  [408, true, true],
  [409, false, false],
  [429, true, false],
  [500, true, true],
  [502, true, true],
  [503, true, true],
  [504, true, true],
])("%i: another attempt may go better: %s; it may have been carried out: %s", (status, passing, done) => {
  expect([isPassing(status), mayBeDone(status)]).toEqual([passing, done]);
});

test.each([
  ["7", 7000],
  ["0", 0],
  ["Sun, 06 Nov 1994 08:49:37 GMT", 10_000],
  ["Sun, 06 Nov 1994 08:49:07 GMT", 0],
  ["soon", undefined],
  ["-3", undefined],
  ["", undefined],
])("Retry-After: %s is %s ms", (value, expected) => {
  const now = Date.parse("1994-11-06T08:49:27Z");
  expect(retryAfterOf(new Headers({ "retry-after": value }), now)).toBe(expected);
});

describe("attempts", () => {
  /** A clock that stands still but for its sleeps, and how long those were. */
  function stillClock(): Clock & { slept: number[] } {
    const slept: number[] = [];
    return {
      slept,
      now: () => slept.reduce((sum, one) => sum + one, 0),
      sleep: async (milliseconds, signal) => {
        slept.push(milliseconds);
        signal?.throwIfAborted();
      },
    };
  }
  const passing = (status: number, retryAfter?: string) =>
    new Passing(
      new Error(`it answered ${status}`),
      status,
      retryAfter === undefined ? undefined : new Headers({ "retry-after": retryAfter }),
    );
  /** Fails so, one after the other, and then goes well. */
  const attempts = (...failures: Error[]) => {
    const told: (number | undefined)[] = [];
    const attempt = async (before: Passing | undefined) => {
      told.push(before?.status);
      const failure = failures.shift();
      if (failure) throw failure;
      return "done";
    };
    return { told, attempt };
  };

  test("go on until one goes well, each after a longer wait and told of the one before", async () => {
    const clock = stillClock();
    const { told, attempt } = attempts(
      passing(0),
      passing(503),
      passing(429),
      passing(500),
      passing(502),
      passing(502),
    );
    expect(await repeat(attempt, { clock })).toBe("done");
    expect(clock.slept).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
    expect(told).toEqual([undefined, 0, 503, 429, 500, 502, 502]);
  });

  test("wait as long as the server asks, and people are told", async () => {
    const clock = stillClock();
    const waits: string[] = [];
    await repeat(attempts(passing(429, "7")).attempt, {
      clock,
      onWait: (wait, { status }) => waits.push(`${status}: ${wait}`),
    });
    expect([clock.slept, waits]).toEqual([[7000], ["429: 7000"]]);
  });

  test.each<[string, Error, object]>([
    ["what is no passing failure", new Error("it answered 403"), {}],
    ["a server that asks for more time than there is", passing(429, "31"), { patience: 30_000 }],
    ["a server that asks for an hour", passing(429, "3600"), { patience: 7_200_000 }],
    ["the first of none that may be repeated", passing(500), { retries: 0 }],
  ])("end at once at %s", async (_, failure, options) => {
    const clock = stillClock();
    const thrown = failure instanceof Passing ? failure.failure : failure;
    await expect(repeat(attempts(failure).attempt, { clock, ...options })).rejects.toBe(thrown);
    expect(clock.slept).toEqual([]);
  });

  test.each([
    [{ retries: 2 }, [500, 1000]],
    [{ patience: 10_000 }, [500, 1000, 2000, 4000]],
  ])("that all fail end with the last failure, within %o", async (options, slept) => {
    const clock = stillClock();
    const last = async (before: Passing | undefined) => {
      throw passing((before?.status ?? 500) + 1);
    };
    await expect(repeat(last, { clock, ...options })).rejects.toThrow(`it answered ${501 + slept.length}`);
    expect(clock.slept).toEqual(slept);
  });

  test("end with whoever ends them, in the middle of a wait", async () => {
    const reason = new Error("cancelled");
    const ended = repeat(attempts(passing(500, "30")).attempt, { signal: AbortSignal.abort(reason) });
    await expect(ended).rejects.toBe(reason);
  });
});
