import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeReboot, mayReboot, type RebootPolicy, reboot } from "../../../config/reboot.ts";

describe("a reboot policy", () => {
  test.each<[unknown, RebootPolicy]>([
    [{}, { when: "told" }],
    [{ when: "told" }, { when: "told" }],
    [{ when: "now" }, { when: "now" }],
    [{ window: "Sun 03:00" }, { when: "window", window: "Sun 03:00", hours: 2 }],
    [
      { when: "window", window: "daily 23:30", hours: 4 },
      { when: "window", window: "daily 23:30", hours: 4 },
    ],
  ])("%o is read as %o", (given, policy) => {
    expect(reboot.parse(given)).toEqual(policy);
  });

  test.each<[unknown, string]>([
    [{ when: "later" }, "one of told, now and window"],
    [{ when: "now", window: "Sun 03:00" }, "a window belongs to when: window"],
    [{ when: "window" }, "when: window needs a window"],
    [{ window: "Sunday 3:00" }, "a day (Sun to Sat, or daily) and a time in UTC"],
    [{ window: "Sun 24:00" }, "a day (Sun to Sat, or daily) and a time in UTC"],
    [{ window: "Sun 03:00", hours: 0 }, "whole hours from 1 to 24"],
    [{ window: "Sun 03:00", hours: 25 }, "whole hours from 1 to 24"],
  ])("may not be %o", (given, message) => {
    expect(reboot.safeParse(given).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

describe("a window", () => {
  const window = (text: string, hours = 2): RebootPolicy => ({ when: "window", window: text, hours });

  // 2026-11-22 is a Sunday.
  test.each<[RebootPolicy, string, boolean]>([
    [window("Sun 03:00"), "2026-11-22T03:00:00Z", true],
    [window("Sun 03:00"), "2026-11-22T04:59:59Z", true],
    [window("Sun 03:00"), "2026-11-22T05:00:00Z", false],
    [window("Sun 03:00"), "2026-11-22T02:59:59Z", false],
    [window("Sun 03:00"), "2026-11-23T03:30:00Z", false],
    [window("Sun 23:00"), "2026-11-23T00:59:00Z", true],
    [window("Sun 23:00"), "2026-11-23T01:00:00Z", false],
    [window("Sat 23:00"), "2026-11-22T00:30:00Z", true],
    [window("daily 23:00", 3), "2026-11-25T01:59:00Z", true],
    [window("daily 23:00", 3), "2026-11-25T02:00:00Z", false],
    [window("Sun 12:00", 24), "2026-11-23T11:59:00Z", true],
    [window("Sun 12:00", 24), "2026-11-23T12:00:00Z", false],
    [{ when: "now" }, "2026-11-25T12:00:00Z", true],
    [{ when: "told" }, "2026-11-25T12:00:00Z", false],
  ])("%o at %s: %s", (policy, now, open) => {
    expect(mayReboot(policy, new Date(now))).toBe(open);
  });

  test("is open for just its hours in every week", () => {
    const policy = fc.record({
      when: fc.constant("window" as const),
      window: fc
        .tuple(fc.constantFrom("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"), fc.nat(23), fc.nat(3))
        .map(
          ([day, hour, quarter]) =>
            `${day} ${String(hour).padStart(2, "0")}:${String(quarter * 15).padStart(2, "0")}`,
        ),
      hours: fc.integer({ min: 1, max: 24 }),
    });
    const start = Date.UTC(2026, 10, 22);
    const quarters = Array.from({ length: 7 * 24 * 4 }, (_, index) => new Date(start + index * 900_000));
    fc.assert(
      fc.property(policy, (one) => quarters.filter((now) => mayReboot(one, now)).length === one.hours * 4),
      { numRuns: 60 },
    );
  });
});

test.each<[RebootPolicy, string]>([
  [{ when: "told" }, "`reboot` only has it told"],
  [{ when: "now" }, "the next update reboots it"],
  [{ when: "window", window: "Sun 03:00", hours: 2 }, "an update within 2 h from Sun 03:00 UTC reboots it"],
])("%o in words", (policy, words) => {
  expect(describeReboot(policy)).toBe(words);
});
