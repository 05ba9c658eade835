import type { RequestRecord } from "../../../lab/cloud/http.ts";

/** A request as a route: ids, names of zones and record sets become what they are. */
export function routeOf({ method, path }: Pick<RequestRecord, "method" | "path">): string {
  const pathname = path.replace(/\?.*$/, "").replace(/^\/v1/, "");
  const parts = pathname.split("/").map((part, index, all) => {
    if (/^\d+$/.test(part)) return ":id";
    if (all[index - 1] === "zones" && part !== "actions") return ":zone";
    if (all[index - 1] === "rrsets" && part !== "actions") return ":name";
    if (all[index - 2] === "rrsets" && part !== "actions") return ":type";
    return part;
  });
  return `${method} ${parts.join("/")}`;
}

/** What a client asked of the cloud: how often, and how many answers were errors that no test expected. */
export interface ClientCount {
  client: string;
  requests: number;
  routes: ReadonlyMap<string, number>;
}

export function countRoutes(client: string, requests: readonly RequestRecord[]): ClientCount {
  const routes = new Map<string, number>();
  for (const request of requests) {
    const route = routeOf(request);
    routes.set(route, (routes.get(route) ?? 0) + 1);
  }
  return { client, requests: requests.length, routes };
}

/** A line a client and one a route, as CI prints it. */
export function describeCount({ client, requests, routes }: ClientCount): string {
  const lines = [...routes].sort().map(([route, count]) => `    ${String(count).padStart(4)}  ${route}`);
  return [`conformance: ${client}: ${requests} requests on ${routes.size} routes`, ...lines].join("\n");
}

/** Prints a client's count. */
export function report(count: ClientCount): void {
  console.log(describeCount(count));
}
