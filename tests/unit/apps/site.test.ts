import { afterEach, expect, test, vi } from "vitest";
import packageJson from "../../../apps/site/package.json" with { type: "json" };
import { greeting } from "../../../apps/site/src/lib/greeting.ts";
import { echoFallback, echoOf } from "../../../apps/site/src/lib/server/echo.ts";
import { healthAnswer } from "../../../apps/site/src/lib/server/health.ts";
import { GET } from "../../../apps/site/src/routes/healthz/+server.ts";

afterEach(() => vi.unstubAllEnvs());

test("/healthz tells the version and the release it was started with, and is never cached", async () => {
  vi.stubEnv("APP_VERSION", "2.1.0");
  vi.stubEnv("APP_RELEASE", "abc123");
  const answer = GET();
  expect(answer.status).toBe(200);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("content-type")).toContain("application/json");
  expect(await answer.json()).toEqual({ ok: true, version: "2.1.0", release: "abc123" });
});

test("without settings /healthz tells the version in package.json and that nobody released it", async () => {
  const answer = healthAnswer({});
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ ok: true, version: packageJson.version, release: "unreleased" });
});

test.each([
  ["a page without a greeting", {}, "  ", ["the page has no greeting"]],
  ["a version with a line break", { APP_VERSION: "1\n2" }, greeting, ["APP_VERSION is not a version"]],
  [
    "two faults at once",
    { APP_RELEASE: "a b" },
    "",
    ["the page has no greeting", "APP_RELEASE is not the name of a release"],
  ],
])("/healthz answers 503 with every reason for %s", async (_, env, text, reasons) => {
  const answer = healthAnswer(env, text);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ ok: false, reasons });
});

test("/echo shows APP_ECHO_ME as it is, and says so when there is nothing to echo", () => {
  expect(echoOf({ APP_ECHO_ME: "<b>ahoy</b>" })).toBe("<b>ahoy</b>");
  expect(echoOf({ APP_ECHO_ME: "" })).toBe(echoFallback);
  expect(echoOf({})).toBe(echoFallback);
});
