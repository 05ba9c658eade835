import { serveActionReads } from "./actions-api.ts";
import type { Cloud } from "./context.ts";
import { notFound } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { type Labels, matches, parseSelector } from "./labels.ts";
import { filterValues, paginate, sortBy } from "./query.ts";
import type { Collection, Item } from "./store.ts";

/** One kind of thing the API keeps: how it is found, listed and shown. */
export interface Resource<R extends Item & { labels: Labels }> {
  /** Path and key of a list, e.g. "ssh_keys". */
  many: string;
  /** Key of one and type in actions, e.g. "ssh_key". */
  one: string;
  /** As error messages call it, e.g. "SSH key". */
  what: string;
  records: Collection<R>;
  sortable: readonly string[];
  /** Nothing takes time with it, so the API knows no actions of its kind. */
  withoutActions?: true;
  /** Filters beside `label_selector`: whether a record has one of the values. */
  filters: Record<string, (record: R, values: string[]) => boolean>;
  /** Brings the records up to date before they are filtered. */
  prepare?(): Promise<void>;
  /** The object as the API shows it. */
  view(record: R): object | Promise<object>;
}

/** List and read of a resource, and the reads of its actions where it has any. */
export function serveReads<R extends Item & { labels: Labels }>(
  api: Api,
  cloud: Cloud,
  resource: Resource<R>,
): void {
  if (!resource.withoutActions) serveActionReads(api, cloud, resource);
  api.get(`/${resource.many}`, async ({ query }) => {
    const selector = parseSelector(query.get("label_selector") ?? "");
    const wanted = Object.entries(resource.filters).flatMap(([name, test]) => {
      const values = filterValues(query, name);
      return values === undefined ? [] : [(record: R) => test(record, values)];
    });
    await resource.prepare?.();
    const found = resource.records
      .all()
      .filter((record) => matches(record.labels, selector) && wanted.every((test) => test(record)));
    const { items, meta } = paginate(sortBy(found, query, resource.sortable), query);
    return {
      status: 200,
      body: { [resource.many]: await Promise.all(items.map((record) => resource.view(record))), meta },
    };
  });
  api.get(`/${resource.many}/${idParam}`, async (request) => show(resource, find(resource, request)));
}

/** A path parameter that only matches ids. */
export const idParam = ":id{[0-9]+}";

export function idOf(request: ApiRequest): number {
  return Number(request.params.id);
}

/** The record the path names; 404 `not_found` when there is none. */
export function find<R extends Item & { labels: Labels }>(resource: Resource<R>, request: ApiRequest): R {
  const record = resource.records.get(idOf(request));
  if (record === undefined) {
    throw notFound(resource.what, idOf(request));
  }
  return record;
}

/** An answer with the one object under its singular key, and what else belongs beside it. */
export async function show<R extends Item & { labels: Labels }>(
  resource: Resource<R>,
  record: R,
  beside: object = {},
  status: 200 | 201 = 200,
): Promise<{ status: 200 | 201; body: object }> {
  return { status, body: { [resource.one]: await resource.view(record), ...beside } };
}

/** The filter every named thing has. */
export const byName = (record: { name: string }, names: string[]): boolean => names.includes(record.name);

/** The fields of a PUT that were given; the others stay. */
export function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  ) as Partial<T>;
}
