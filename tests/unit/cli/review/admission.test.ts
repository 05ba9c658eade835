import { describe, expect, test } from "vitest";
import type { CostItem } from "../../../../cli/cost/items.ts";
import { overCap, overMost, priceOf } from "../../../../cli/review/admission.ts";

const item = (changes: Partial<CostItem> = {}): CostItem => ({
  ...{ of: "web1", kind: "host", what: "server cx23", monthly: 5.49 },
  ...changes,
});
const ipv4 = item({ what: "IPv4", monthly: 0.5 });
const limits = { cap: 6, most: 2, unpriced: false };

test("a price is the sum of what is known, a month and an hour, with what is not known by name", () => {
  const fly = item({ of: "shop", kind: "fly", what: "1 machine", monthly: null });
  const container = item({ of: "site", kind: "container", what: "container", monthly: null });
  expect(priceOf([item(), ipv4, fly, container])).toEqual({
    ...{ monthly: 5.99, hourly: 0.0097, unknown: ["shop: 1 machine"] },
  });
});

describe("the cap", () => {
  test.each([
    ["lets in what costs less", [item(), ipv4], limits, undefined],
    ["lets in what costs just that", [item({ monthly: 6 })], limits, undefined],
    [
      "refuses a cent more",
      [item({ monthly: 6.01 })],
      limits,
      "it would cost 6.01 EUR/month, and its cap is 6.00",
    ],
    ["refuses what has no known price", [item({ monthly: null })], limits, "nobody knows what this costs"],
    ["lets that in where it is said", [item({ monthly: null })], { ...limits, unpriced: true }, undefined],
    [
      "holds for the rest of it then, too",
      [item({ monthly: null }), item({ monthly: 7 })],
      { ...limits, unpriced: true },
      "7.00",
    ],
  ] as const)("%s", (_, items, given, because) => {
    const found = overCap(priceOf(items), given, "EUR");
    if (because === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(because);
  });
});

test.each([
  [[], undefined],
  [["pr-1"], undefined],
  [["pr-1", "pr-2"], "there are 2 short-lived stacks already, and 2 at most: pr-1, pr-2"],
])("beside %j there is a place for one more, or none", (others, because) => {
  expect(overMost(others, limits)).toBe(because);
});
