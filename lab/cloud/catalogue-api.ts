import { idOf, idParam } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notFound } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { filterValues, paginate, sortBy } from "./query.ts";

/** What can be bought: read only. */
export function serveCatalogue(api: Api, cloud: Cloud): void {
  const serve = <T extends { id: number; name: string }>(
    many: string,
    one: string,
    entries: () => readonly T[],
  ) => {
    api.get(`/${many}`, ({ query }) => answerList(many, entries().filter(named(query)), query, []));
    api.get(`/${many}/${idParam}`, (request) => answerOne(one, entries(), request));
  };
  serve("locations", "location", () => cloud.catalogue().locations);
  serve("server_types", "server_type", () => cloud.catalogue().serverTypes);
  serve("load_balancer_types", "load_balancer_type", () => cloud.catalogue().loadBalancerTypes);

  api.get("/pricing", () => ({ status: 200, body: { pricing: cloud.catalogue().pricing() } }));

  if (cloud.legacyDatacenter) {
    serve("datacenters", "datacenter", () => cloud.catalogue().datacenters);
    return;
  }
  for (const path of ["/datacenters", `/datacenters/${idParam}`]) {
    api.get(path, () => {
      throw new ApiError("deprecated_api_endpoint", "datacenters were removed from the API; use locations", {
        announcement: "https://docs.hetzner.cloud/changelog#2026-06-02-datacenters-deprecated",
      });
    });
  }
}

function named(query: URLSearchParams): (entry: { name: string }) => boolean {
  const names = filterValues(query, "name");
  return ({ name }) => names?.includes(name) ?? true;
}

function answerList(
  many: string,
  entries: readonly { id: number }[],
  query: URLSearchParams,
  sortable: string[],
) {
  const { items, meta } = paginate(sortBy(entries, query, sortable), query);
  return { status: 200 as const, body: { [many]: items, meta } };
}

function answerOne(one: string, entries: readonly { id: number }[], request: ApiRequest) {
  const entry = entries.find(({ id }) => id === idOf(request));
  if (entry === undefined) {
    throw notFound(one.replaceAll("_", " "), idOf(request));
  }
  return { status: 200 as const, body: { [one]: entry } };
}
