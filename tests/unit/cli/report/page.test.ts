import fc from "fast-check";
import { expect, test } from "vitest";
import { reportOf } from "../../../../cli/report/model.ts";
import { reportPage } from "../../../../cli/report/page.ts";
import { roomFor } from "../../../../cli/report/room.ts";
import { marksOf } from "../../../../cli/report/timeline.ts";
import { tilesOf } from "../../../../cli/report/treemap.ts";
import type { PackageSize, RunEvent } from "../../../../deployer/runs/events.ts";
import { anInstall, samples, sentBack, tenHosts } from "./samples.ts";

const pageOf = (events: readonly RunEvent[]): string => {
  const report = reportOf(events);
  if (!report) throw new Error("there is no report");
  return reportPage(report);
};

/** A page's tags without what is in their attributes; the style is no markup. */
const markup = (page: string): string =>
  (page.replace(/<style>[\s\S]*?<\/style>/, "").match(/<[^>]*>/g) ?? [])
    .map((tag) => tag.replaceAll(/"[^"]*"/g, '""'))
    .join("\n");

/** The same record with every text that is told by others in the place of what it was. */
function withTexts(events: readonly RunEvent[], text: string): RunEvent[] {
  const told = new Set([
    "because",
    "journal",
    "unit",
    "check",
    "tried",
    "cameBack",
    "stands",
    "step",
    "next",
    "address",
  ]);
  const change = (value: unknown, key = ""): unknown => {
    if (typeof value === "string") return told.has(key) ? text : value;
    if (Array.isArray(value)) return value.map((one) => change(one, key));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, change(one, inner)]));
  };
  return change(events) as RunEvent[];
}

test.each(Object.entries({ anInstall, sentBack }))(
  "no text that is told gets out of its place in the page of %s",
  (_, events) => {
    const hostile = [
      "<script>alert(1)</script>",
      `" onload="x`,
      "</style><b>",
      "<!--",
      "&lt;",
      "'><img src=x>",
    ];
    const texts = fc.oneof(fc.constantFrom(...hostile), fc.string(), fc.string({ unit: "binary" }));
    const plain = markup(pageOf(withTexts(events, "plain")));
    fc.assert(
      fc.property(texts, (text) => {
        // One line, and never nothing: those have markup of their own.
        const line = `x${text.replaceAll(/\s/g, " ")}`;
        expect(markup(pageOf(withTexts(events, line)))).toBe(plain);
      }),
      { numRuns: 40 },
    );
  },
);

test("names of hosts, packages and stacks are escaped as well", () => {
  const name = `<b id="x">'&`;
  const renamed = tenHosts.map(
    (event) =>
      JSON.parse(
        JSON.stringify(event).replaceAll(/\bweb1\b|glibc|"prod"/g, (word) =>
          word === '"prod"' ? JSON.stringify(name) : JSON.stringify(name).slice(1, -1),
        ),
      ) as RunEvent,
  );
  const page = pageOf(renamed);
  expect(page).toContain("&lt;b id=&quot;x&quot;&gt;&#39;&amp;");
  expect(page).not.toContain("<b ");
});

test.each(Object.entries(samples))(
  "the report of %s is one file that names no other and runs nothing",
  (_, events) => {
    const page = pageOf(events);
    expect(page).not.toMatch(
      /<(script|img|iframe|object|embed|form)\b|@import|url\(|srcset|<link (?!rel="icon" href="data:,">)/,
    );
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target);
  },
);

test("failures come first, with what came back, what to do and the journal", () => {
  const page = pageOf(tenHosts);
  expect(page.indexOf('id="failures"')).toBeLessThan(page.indexOf('id="hosts"'));
  for (const text of [
    "8 of 10 hosts run what is wanted",
    "No route to host",
    "fix the release",
    "relation &quot;orders&quot;",
  ])
    expect(page).toContain(text);
});

test("where nothing was done, that is said, and nothing is drawn", () => {
  const page = pageOf(samples.nothingToDo);
  expect(page).toContain("Nothing was done on web1, web2.");
  expect(page).not.toMatch(/class="(track|treemap|axis)"|id="(health|closures|failures)"/);
});

test.each([
  [0, [0]],
  [0.4, [0, 0.1, 0.2, 0.3, 0.4]],
  [16, [0, 5, 10, 15]],
  [106, [0, 30, 60, 90]],
  [90_000, [0, 18_000, 36_000, 54_000, 72_000, 90_000]],
])("an axis over %d s has few marks", (seconds, marks) => {
  expect(marksOf(seconds).map((mark) => Number(mark.toFixed(6)))).toEqual(marks);
});

const packageSizes = fc.array(
  fc.record({
    name: fc.string(),
    bytes: fc.integer({ min: 0, max: 1e9 }),
    state: fc.constantFrom<PackageSize["state"]>("same", "changed", "new"),
    versions: fc.array(fc.string()),
  }),
  { maxLength: 200 },
);

test("tiles fill the picture, each by its size, and no package's bytes are lost", () => {
  fc.assert(
    fc.property(packageSizes, (packages) => {
      const total = packages.reduce((sum, one) => sum + one.bytes, 0);
      const tiles = tilesOf(packages);
      expect(tiles.reduce((sum, one) => sum + one.bytes, 0)).toBe(total);
      for (const tile of tiles) {
        expect((tile.width * tile.height) / 10_000).toBeCloseTo(tile.bytes / total, 6);
        expect(tile.left + tile.width).toBeLessThanOrEqual(100.000_1);
        expect(tile.top + tile.height).toBeLessThanOrEqual(100.000_1);
      }
    }),
  );
});

test("a name has the room of its longest line; one that is too long for any is not shown", () => {
  expect([roomFor("git", "46.0 MB"), roomFor("perl"), roomFor("x".repeat(41))]).toEqual([
    "fits n8",
    "fits n4",
    "fits",
  ]);
});
