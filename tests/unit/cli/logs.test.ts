import { describe, expect, test } from "vitest";
import { wordsFor } from "../../../cli/logs/logs.ts";
import { sinceOf } from "../../../cli/logs/since.ts";

const now = new Date("2026-11-22T12:00:00Z");
const secondsOf = (time: string) => Date.parse(time) / 1000;

describe("when a log begins", () => {
  test.each([
    ["45s", "2026-11-22T11:59:15Z"],
    ["30m", "2026-11-22T11:30:00Z"],
    ["30min", "2026-11-22T11:30:00Z"],
    ["2 h", "2026-11-22T10:00:00Z"],
    ["3d", "2026-11-19T12:00:00Z"],
    ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"],
    ["2026-11-22 10:00+01:00", "2026-11-22T09:00:00Z"],
    ["2026-11-22 10:00", "2026-11-22T10:00:00"],
    ["2026-11-21", "2026-11-21T00:00:00"],
  ])("%s is %s", (text, expected) => {
    expect(sinceOf(text, now)).toBe(secondsOf(expected));
  });

  test("today and yesterday begin at midnight here", () => {
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
    expect(sinceOf("today", now)).toBe(midnight.getTime() / 1000);
    expect(sinceOf("yesterday", now)).toBe(midnight.setDate(midnight.getDate() - 1) / 1000);
  });

  test.each(["", "h", "2 weeks ago", "-2h", "10:00", "2026-13-01", "2026-11-22 10", "1h; reboot"])(
    "is not told by %j",
    (text) => expect(sinceOf(text, now)).toBeUndefined(),
  );
});

describe("what the host is asked for", () => {
  test.each([
    ["site", {}, ["site", "", "100", "", ""]],
    ["site", { lines: 5, follow: true }, ["site", "", "5", "", "follow"]],
    ["site", { since: 1_700_000_000 }, ["site", "", "", "1700000000", ""]],
    ["site", { since: 1_700_000_000, lines: 5 }, ["site", "", "5", "1700000000", ""]],
    [undefined, { unit: "nginx" }, ["", "nginx", "100", "", ""]],
    [undefined, {}, ["", "", "100", "", ""]],
  ])("%s with %j", (app, options, expected) => {
    expect(wordsFor(app, options)).toEqual(expected);
  });
});
