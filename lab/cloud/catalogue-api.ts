import type { Image } from "./catalogue.ts";
import { idOf, idParam } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notFound } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { matches, parseSelector } from "./labels.ts";
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

  api.get("/images", ({ query }) => {
    const found = cloud.catalogue().images.filter(imageFilter(query)).filter(named(query));
    return answerList("images", found, query, ["id", "name", "created"]);
  });
  api.get(`/images/${idParam}`, (request) => answerOne("image", cloud.catalogue().images, request));

  api.get("/pricing", () => ({ status: 200, body: { pricing: cloud.catalogue().pricing() } }));

  if (cloud.legacyDatacenter) {
    serve("datacenters", "datacenter", () => cloud.catalogue().datacenters);
    return;
  }
  for (const path of ["/datacenters", `/datacenters/${idParam}`]) {
    api.get(path, () => {
      throw new ApiError("deprecated_api_endpoint", "datacenters were removed from the API; use locations", {
        announcement: "https://docs.hetzner.cloud/changelog",
      });
    });
  }
}

function named(query: URLSearchParams): (entry: { name: string }) => boolean {
  const names = filterValues(query, "name");
  return ({ name }) => names?.includes(name) ?? true;
}

function imageFilter(query: URLSearchParams): (image: Image) => boolean {
  const selector = parseSelector(query.get("label_selector") ?? "");
  const withDeprecated = query.get("include_deprecated") === "true";
  const wanted = (["type", "status", "architecture"] as const).map((field) => ({
    field,
    values: filterValues(query, field),
  }));
  const bound = filterValues(query, "bound_to") !== undefined;
  return (image) =>
    !bound &&
    matches(image.labels, selector) &&
    (withDeprecated || image.deprecated === null) &&
    wanted.every(({ field, values }) => values?.includes(image[field]) ?? true);
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
    throw notFound(one.replace("_", " "), idOf(request));
  }
  return { status: 200 as const, body: { [one]: entry } };
}
