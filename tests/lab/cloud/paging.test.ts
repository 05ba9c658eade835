import fc from "fast-check";
import { expect, test } from "vitest";
import { paginate, sortBy } from "../../../lab/cloud/query.ts";
import { testCloud } from "./client.ts";

const query = (text: string) => new URLSearchParams(text);
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

test("following next_page from the first page yields every item once, in order", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.integer({ min: 1, max: 70 }), (count, perPage) => {
      const all = numbers(count);
      const seen: number[] = [];
      let page: number | null = 1;
      while (page !== null) {
        const { items, meta }: ReturnType<typeof paginate<number>> = paginate(
          all,
          query(`page=${page}&per_page=${perPage}`),
        );
        expect(items.length).toBeLessThanOrEqual(50);
        expect(meta.pagination.total_entries).toBe(count);
        seen.push(...items);
        page = meta.pagination.next_page;
      }
      expect(seen).toEqual(all);
    }),
  );
});

test("without a query a page has 25 items", () => {
  const { items, meta } = paginate(numbers(60), query(""));
  expect(items).toHaveLength(25);
  expect(meta.pagination).toEqual({
    page: 1,
    per_page: 25,
    previous_page: null,
    next_page: 2,
    last_page: 3,
    total_entries: 60,
  });
});

test("a page past the end is empty and points back", () => {
  const { items, meta } = paginate(numbers(3), query("page=9"));
  expect(items).toEqual([]);
  expect(meta.pagination).toMatchObject({ page: 9, previous_page: 8, next_page: null });
});

test.each(["page=0", "page=x", "per_page=-1", "page=1.5"])("%s is refused", (text) => {
  expect(() => paginate([], query(text))).toThrow(expect.objectContaining({ code: "invalid_input" }));
});

test("sorting by several fields weighs the first one most, and ids break ties", () => {
  const item = fc.record({
    id: fc.nat(1000),
    name: fc.constantFrom("a", "b", "c"),
    created: fc.constantFrom("1", "2"),
  });
  fc.assert(
    fc.property(fc.uniqueArray(item, { selector: ({ id }) => id }), (items) => {
      const sorted = sortBy(items, query("sort=name:desc&sort=created"), ["id", "name", "created"]);
      for (const [i, next] of sorted.entries()) {
        const before = sorted[i - 1];
        if (before !== undefined) {
          const key = [next.name, before.created, before.id] as const;
          const other = [before.name, next.created, next.id] as const;
          expect(
            key[0] < other[0] ||
              (key[0] === other[0] && (key[1] < other[1] || (key[1] === other[1] && key[2] < other[2]))),
          ).toBe(true);
        }
      }
    }),
  );
});

test("sorting by a field the list does not offer is refused with what it offers", async () => {
  const cloud = await testCloud();
  const reply = await cloud.get("/ssh_keys?sort=created");
  expect(reply.status).toBe(422);
  expect(reply.at("error.message")).toContain("must be one of id, name");
});

test("lists carry links to their neighbours", async () => {
  const cloud = await testCloud();
  const reply = await cloud.get("/images?per_page=5&page=2&include_deprecated=true");
  expect(reply.headers.get("link")).toMatch(
    /page=1[^>]*>; rel="prev", <[^>]*page=3[^>]*>; rel="next", <[^>]*>; rel="last"/,
  );
});
