import { invalidField } from "./errors.ts";

/** The part of a long list that one answer carries. */
export interface Page<T> {
  items: T[];
  meta: { pagination: Pagination };
}

export interface Pagination {
  page: number;
  per_page: number;
  previous_page: number | null;
  next_page: number | null;
  last_page: number | null;
  total_entries: number | null;
}

const defaultPerPage = 25;
const usualMaxPerPage = 50;

/** `page` counts from 1; `per_page` is 25 and at most 50 or what is given. A page past the end is empty, not an error. */
export function paginate<T>(
  all: readonly T[],
  query: URLSearchParams,
  maxPerPage = usualMaxPerPage,
): Page<T> {
  const page = positive(query, "page", 1);
  const perPage = Math.min(positive(query, "per_page", defaultPerPage), maxPerPage);
  const lastPage = Math.max(1, Math.ceil(all.length / perPage));
  return {
    items: all.slice((page - 1) * perPage, page * perPage),
    meta: {
      pagination: {
        page,
        per_page: perPage,
        previous_page: page > 1 ? page - 1 : null,
        next_page: page < lastPage ? page + 1 : null,
        last_page: lastPage,
        total_entries: all.length,
      },
    },
  };
}

function positive(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null || text === "") {
    return fallback;
  }
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw invalidField(name, "must be a positive number");
  }
  return Number(text);
}

/**
 * Sorts by `sort=field[:asc|:desc]`, repeatable, the first one weighing most; by id when nothing is asked.
 * A field that is not in `sortable` is 422 `invalid_input`; lists that cannot be sorted ignore it, because old clients ask them too.
 */
export function sortBy<T extends object>(
  items: readonly T[],
  query: URLSearchParams,
  sortable: readonly string[],
): T[] {
  const orders = (sortable.length > 0 ? query.getAll("sort") : []).map((text) => {
    const [field = "", direction = "asc"] = text.split(":");
    if (!sortable.includes(field) || !["asc", "desc"].includes(direction)) {
      throw invalidField("sort", `must be one of ${sortable.join(", ")}, with :asc or :desc`);
    }
    return { field, sign: direction === "asc" ? 1 : -1 };
  });
  return [...items].sort((a, b) => {
    for (const { field, sign } of [...orders, { field: "id", sign: 1 }]) {
      const difference = compare(fieldOf(a, field), fieldOf(b, field));
      if (difference !== 0) {
        return sign * difference;
      }
    }
    return 0;
  });
}

function fieldOf(item: object, field: string): unknown {
  return (item as Record<string, unknown>)[field];
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") {
    return a - b;
  }
  const [left, right] = [String(a ?? ""), String(b ?? "")];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The values of a repeatable filter, or undefined when it was not given. */
export function filterValues(query: URLSearchParams, name: string): string[] | undefined {
  const values = query.getAll(name).filter((value) => value !== "");
  return values.length > 0 ? values : undefined;
}

/** A switch that is off when absent. The Python client writes "True". */
export function isOn(query: URLSearchParams, name: string): boolean {
  return query.get(name)?.toLowerCase() === "true";
}

/** RFC 8288 links to the neighbouring pages, as the API sends them beside `meta`. */
export function linkHeader(url: URL, { previous_page, next_page, last_page }: Pagination): string {
  const to = (page: number | null, rel: string) => {
    if (page === null) {
      return [];
    }
    const target = new URL(url);
    target.searchParams.set("page", String(page));
    return [`<${target}>; rel="${rel}"`];
  };
  return [...to(previous_page, "prev"), ...to(next_page, "next"), ...to(last_page, "last")].join(", ");
}
