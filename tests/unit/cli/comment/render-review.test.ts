import { describe, expect, test } from "vitest";
import { renderReview } from "../../../../cli/comment/render-review.ts";
import { type ReviewItem, reviewReport } from "../../../../cli/review/report.ts";
import { reviewTable } from "../../../../cli/review/review.ts";

const heading = { project: "berth", log: "https://forge.example/runs/7" };
const item = (changes: Partial<ReviewItem> = {}): ReviewItem => ({
  ...{ stack: "pr-7", pull: 7, state: "up", until: "2026-11-22T18:00:12.345Z", because: "" },
  commit: "0123456789abcdef0123456789abcdef01234567",
  addresses: { web1: "http://203.0.113.7/", "shop-pr-7": "https://shop-pr-7.fly.dev/" },
  ...{ monthly: 5.99, hourly: 0.0097, currency: "EUR" },
  ...changes,
});

describe("the comment on a short-lived stack", () => {
  test.each<[string, ReviewItem]>([
    ["up", item()],
    ["failed", item({ state: "failed", because: "the update ended with 255", addresses: {} })],
    ["refused", item({ state: "failed", until: null, because: "it would cost 30 EUR", addresses: {} })],
    ["gone", item({ state: "gone", because: "its time was over at 2026-11-22T18:00:12.345Z" })],
  ])("that is %s is as it was read and found good", async (name, given) => {
    await expect(renderReview(heading, given)).toMatchFileSnapshot(`comments/review-${name}.md`);
  });

  test.each(["there", "refused"] as const)("is left as it was by a sweep that leaves it %s", (state) => {
    expect(renderReview(heading, item({ state }))).toBeUndefined();
  });

  test.each([
    ["an address that is more than that", "http://a.example/)[x](https://evil.example/"],
    ["a mention", "@everybody"],
    ["a script", "javascript:alert(1)"],
    ["an end of the table", "http://a|b/"],
  ])("shows as code %s", (_, url) => {
    const shown = renderReview(heading, item({ addresses: { web1: url } })) ?? "";
    expect(shown).not.toContain(`<${url}>`);
    expect(shown).toMatch(/^\| `web1` \| `.*` \|$/m);
  });

  test("begins with a line of its stack alone, whatever the project is called", () => {
    const first = (project: string) => renderReview({ project }, item())?.split("\n")[0];
    expect(first("a --> b")).toBe("<!-- berth short-lived stack a%20--%3E%20b/pr-7 -->");
  });
});

test("a report that was printed is read again as it was", () => {
  const text = JSON.stringify({ verb: "review", stack: "", well: true, items: [item()] });
  expect(reviewReport.parse(JSON.parse(text)).items).toEqual([item()]);
});

test.each([
  ["an end that is no time", { until: "@everyone" }],
  ["a currency that is more than that", { currency: "[x](https://evil.example)" }],
])("a report that has %s is not read", (_, changes) => {
  const report = { verb: "review", stack: "", well: true, items: [{ ...item(), ...changes }] };
  expect(reviewReport.safeParse(report).success).toBe(false);
});

test("people get a row a stack, with where it is or why it is so", () => {
  expect(reviewTable([])).toBe("There are no short-lived stacks.");
  const refused = item({ stack: "pr-8", state: "refused", until: null, because: "why", addresses: {} });
  expect(reviewTable([item({ addresses: { web1: "http://203.0.113.7/" } }), refused])).toBe(
    "stack  state    ends                      where, why\n" +
      "pr-7   up       2026-11-22T18:00:12.345Z  web1 http://203.0.113.7/\n" +
      "pr-8   refused  -                         why\n",
  );
});
