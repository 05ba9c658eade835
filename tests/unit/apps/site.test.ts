import { expect, test } from "vitest";
import { greeting } from "../../../apps/site/src/lib/greeting.ts";
import { echoFallback, echoOf } from "../../../apps/site/src/lib/server/echo.ts";
import { healthAnswer } from "../../../apps/site/src/lib/server/health.ts";
import { releaseOf } from "../../../apps/site/src/lib/server/release.ts";

test("a release is what the environment says, and what was built when it says nothing", () => {
  expect(releaseOf({ APP_VERSION: "2.1.0", APP_RELEASE: "abc123" }, "1.0.0")).toEqual({
    version: "2.1.0",
    release: "abc123",
  });
  expect(releaseOf({ APP_VERSION: "" }, "1.0.0")).toEqual({ version: "1.0.0", release: "unreleased" });
});

test("a healthy release is told by name and never cached", async () => {
  const answer = healthAnswer({ version: "2.1.0", release: "abc123" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("content-type")).toContain("application/json");
  expect(await answer.json()).toEqual({ ok: true, version: "2.1.0", release: "abc123" });
});

const sound = { version: "1.0.0", release: "r1" };

test.each([
  ["a page without a greeting", sound, "  ", ["the page has no greeting"]],
  ["a version with a line break", { ...sound, version: "1\n2" }, greeting, ["APP_VERSION is not a version"]],
  [
    "two faults at once",
    { ...sound, release: "a b" },
    "",
    ["the page has no greeting", "APP_RELEASE is not the name of a release"],
  ],
])("health is refused with every reason for %s", async (_, release, text, reasons) => {
  const answer = healthAnswer(release, text);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({ ok: false, ...release, reasons });
});

test("the echo is APP_ECHO_ME as it is, and says so when there is nothing to echo", () => {
  expect(echoOf({ APP_ECHO_ME: "<b>ahoy</b>" })).toBe("<b>ahoy</b>");
  expect(echoOf({ APP_ECHO_ME: "" })).toBe(echoFallback);
  expect(echoOf({})).toBe(echoFallback);
});
