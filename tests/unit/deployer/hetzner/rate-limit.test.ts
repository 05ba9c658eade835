import fc from "fast-check";
import { expect, test } from "vitest";
import { rateLimitWait } from "../../../../deployer/hetzner/rate-limit.ts";

const now = 1_900_000_000_000;
const headers = (limit: number, remaining: number, secondsToReset: number) =>
  new Headers({
    "RateLimit-Limit": String(limit),
    "RateLimit-Remaining": String(remaining),
    "RateLimit-Reset": String(now / 1000 + secondsToReset),
  });

test.each([
  ["an allowance used up waits for what is needed, not for the whole hour", headers(3600, 0, 3600), 16_000],
  ["a small allowance waits until it is whole", headers(10, 0, 10), 10_000],
  ["one that is nearly whole waits until it is", headers(3600, 3599, 3), 3000],
  ["one whose reset is past waits the shortest time", headers(3600, 3590, -20), 1000],
  ["an answer that tells nothing waits a few seconds", new Headers(), 5000],
  [
    "an answer that tells only the reset waits for it",
    new Headers({ "RateLimit-Reset": String(now / 1000 + 7) }),
    7000,
  ],
])("%s", (_, given, wait) => {
  expect(rateLimitWait(given, now)).toBe(wait);
});

test("a wait is never shorter than a second, nor longer than to the reset", () => {
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.nat(5000),
      fc.integer({ min: -100, max: 4000 }),
      (limit, remaining, seconds) => {
        const wait = rateLimitWait(headers(limit, remaining, seconds), now);
        expect(wait).toBeGreaterThanOrEqual(1000);
        expect(wait).toBeLessThanOrEqual(Math.max(seconds * 1000, 1000));
      },
    ),
  );
});
