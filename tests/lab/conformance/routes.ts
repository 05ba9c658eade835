import type { TaskMeta } from "vitest";
import type { RequestRecord } from "../../../lab/cloud/http.ts";
import { testCloud } from "../cloud/client.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What clients asked for in the tests of a file, for the table at the end. */
    conformance?: ClientCount[];
  }
}

/** What a client asked of the cloud. */
export interface ClientCount {
  client: string;
  requests: number;
  /** Requests by route of those the cloud serves, none where a route was never asked. */
  routes: Record<string, number>;
}

/** A route as the cloud declares it, "GET /v1/zones/:zone/rrsets"; undefined for what is no part of the API. */
function routeName(method: string, path: string): string | undefined {
  if (method === "ALL" || !path.startsWith("/v1/")) return undefined;
  const plain = path.slice("/v1".length).replace(/\{[^}]*\}/g, "");
  // A zone goes by its name or its id.
  return `${method} ${plain.replace(/^\/zones\/:id/, "/zones/:zone").replace(/:action$/, ":id")}`;
}

/** All routes of the API that the cloud serves. */
export async function servedRoutes(): Promise<string[]> {
  const { app } = await testCloud();
  return [...new Set(app.routes.flatMap(({ method, path }) => routeName(method, path) ?? []))].sort();
}

/** The route among those served that a request took; undefined where it took none. Words win over placeholders. */
export function routeOf(
  { method, path }: Pick<RequestRecord, "method" | "path">,
  served: readonly string[],
): string | undefined {
  const words = `${method} ${path.replace(/^\/v1/, "").replace(/\?.*$/, "")}`.split("/");
  const fitting = served.filter((route) => {
    const parts = route.split("/");
    return parts.length === words.length && parts.every((part, i) => fits(part, words[i] ?? ""));
  });
  const placeholders = (route: string) => route.split("/:").length;
  return fitting.sort((a, b) => placeholders(a) - placeholders(b))[0];
}

function fits(part: string, word: string): boolean {
  if (!part.startsWith(":")) return part === word;
  return part === ":id" ? /^\d+$/.test(word) : true;
}

export function countRoutes(
  client: string,
  requests: readonly RequestRecord[],
  served: readonly string[],
): ClientCount {
  const routes: Record<string, number> = Object.fromEntries(served.map((route) => [route, 0]));
  for (const request of requests) {
    const route = routeOf(request, served);
    if (route !== undefined) routes[route] = (routes[route] ?? 0) + 1;
  }
  return { client, requests: requests.length, routes };
}

/** Gives a client's count to the table that is printed when all tests are through. */
export async function hand(
  task: { meta: TaskMeta },
  client: string,
  requests: readonly RequestRecord[],
): Promise<ClientCount> {
  const count = countRoutes(client, requests, await servedRoutes());
  task.meta.conformance = [...(task.meta.conformance ?? []), count];
  return count;
}
