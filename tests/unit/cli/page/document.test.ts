import fc from "fast-check";
import { expect, test } from "vitest";
import { documentOf } from "../../../../cli/page/document.ts";
import { type Html, html } from "../../../../cli/page/html.ts";
import {
  badge,
  bytes,
  duration,
  hostName,
  lines,
  moment,
  outcomeBadge,
  section,
  since,
  storePath,
  table,
} from "../../../../cli/page/parts.ts";
import { outcomes } from "../../../../deployer/runs/events.ts";

const hostile = `"'><script>alert(1)</script>&<!--`;

test.each<[string, (text: string) => Html]>([
  ["a badge", (text) => badge("bad", text)],
  ["a host's name", hostName],
  ["a moment", moment],
  ["a store path", storePath],
  ["a section", (text) => section("one", text, text)],
  ["a table", (text) => table(text, [text], [[text, text]])],
  ["lines", (text) => lines(text, text)],
  ["text in an attribute", (text) => html`<i title="${text}"></i>`],
])("%s has no markup but its own, whatever the text", (_, part) => {
  const markup = (made: Html) =>
    made
      .toString()
      .match(/<[^>]*>/g)
      ?.map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
  const plain = markup(part("plain"));
  expect(markup(part(hostile))).toEqual(plain);
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(markup(part(`x${text}`))).toEqual(plain);
    }),
  );
});

test("a page has its style in it, lets no script run and asks nobody for anything", () => {
  const page = documentOf({ title: "web & co", main: html`<p>here</p>` });
  expect(page).toContain("<title>web &amp; co</title>");
  expect(page).toContain("prefers-color-scheme: dark");
  expect(page).toContain("default-src &#39;none&#39;");
  expect(page).not.toMatch(/<script|script-src|connect-src|https?:/);
});

test("a page's own script runs under its nonce alone, and cannot end its element early", () => {
  const page = documentOf({ title: "live", main: "", script: "tick()", nonce: "abc", connect: "'self'" });
  expect(page).toContain('<script nonce="abc">tick()</script>');
  expect(page).toContain("script-src &#39;nonce-abc&#39;; connect-src &#39;self&#39;");
  expect(() => documentOf({ title: "", main: "", script: "'</script>'", nonce: "abc" })).toThrow(TypeError);
});

test("every outcome of a host has a word and a sign", () => {
  for (const outcome of [...outcomes, "interrupted", "unchanged", "not started"] as const)
    expect(outcomeBadge(outcome).toString()).toMatch(
      new RegExp(`<span aria-hidden="true">.</span> ${outcome}<`),
    );
});

test.each([
  [0, "0.0 s"],
  [0.44, "0.4 s"],
  [9.96, "10 s"],
  [119.6, "2 min 0 s"],
  [185, "3 min 5 s"],
  [7_800, "2 h 10 min"],
])("%d seconds are %s", (seconds, text) => expect(duration(seconds)).toBe(text));

test("sizes, ages and store paths are as the other verbs have them", () => {
  const now = new Date("2026-01-01T10:00:00Z");
  expect(since("2026-01-01T09:57:00Z", now).toString()).toContain(">3 min ago<");
  expect(bytes(12_345_678).toString()).toContain(">12.3 MB<");
  expect(storePath(`/nix/store/${"a".repeat(32)}-web-1`).toString()).toContain(">aaaaaa…-web-1<");
  expect(storePath(undefined).toString()).toContain("not known");
});
