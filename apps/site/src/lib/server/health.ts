import { greeting } from "../greeting.ts";
import type { Release } from "./release.ts";

/** What can be wrong with a running app: null, or the reason in words. */
type Check = (release: Release, greeting: string) => string | null;

const printable = /^[\x21-\x7e]{1,128}$/;

const checks: readonly Check[] = [
  (_, text) => (text.trim() === "" ? "the page has no greeting" : null),
  ({ version }) => (printable.test(version) ? null : "APP_VERSION is not a version"),
  ({ release }) => (printable.test(release) ? null : "APP_RELEASE is not the name of a release"),
];

/** Every reason why this release must not get traffic; none when it may. */
export function problemsOf(release: Release, text: string): string[] {
  return checks.map((check) => check(release, text)).filter((reason) => reason !== null);
}

/** The answer of `/healthz`: 200, or 503 with `reasons`. Never cached, so that a check sees this very instance. */
export function healthAnswer(release: Release, text: string = greeting): Response {
  const reasons = problemsOf(release, text);
  const ok = reasons.length === 0;
  return Response.json(
    { ok, ...release, ...(ok ? {} : { reasons }) },
    { status: ok ? 200 : 503, headers: { "cache-control": "no-store" } },
  );
}
