import { expect, test } from "vitest";
import { countRoutes, routeOf, servedRoutes } from "../../lab/conformance/routes.ts";
import { conformanceTable } from "../../lab/conformance/table.ts";

const served = await servedRoutes();

test.each([
  ["GET", "/v1/servers?page=1&per_page=50", "GET /servers"],
  ["GET", "/v1/servers/42", "GET /servers/:id"],
  ["GET", "/v1/servers/actions", "GET /servers/actions"],
  ["GET", "/v1/servers/42/actions/43", "GET /servers/:id/actions/:id"],
  ["GET", "/v1/zones/example.org", "GET /zones/:zone"],
  ["GET", "/v1/zones/42", "GET /zones/:zone"],
  ["GET", "/v1/zones/actions", "GET /zones/actions"],
  [
    "POST",
    "/v1/zones/42/rrsets/@/TXT/actions/set_records",
    "POST /zones/:zone/rrsets/:name/:type/actions/set_records",
  ],
  ["PATCH", "/v1/servers", undefined],
  ["GET", "/v1/nothing", undefined],
  ["GET", "/v1/servers/web", undefined],
])("%s %s takes the route %s", (method, path, route) => {
  expect(routeOf({ method, path }, served)).toBe(route);
});

test("the lab's own routes and the same route twice are none of the API's", () => {
  expect(served.filter((route) => route.includes("/lab"))).toEqual([]);
  expect(served.filter((route) => route.startsWith("GET /zones/:"))).toContain("GET /zones/:zone");
  expect(served).not.toContain("GET /zones/:id");
  expect(new Set(served).size).toBe(served.length);
});

test("the table counts by client and by route, and names the routes that nobody asked for", () => {
  const routes = ["GET /servers", "POST /servers", "GET /pricing"];
  const request = (method: string) => ({ method, path: "/v1/servers", status: 200, body: null });
  const one = countRoutes("one", [request("GET"), request("GET"), request("POST")], routes);
  const two = countRoutes("two", [request("GET"), request("PATCH")], routes);
  const lines = conformanceTable([one, two]).split("\n");
  const cells = (line = "") => line.trim().split(/\s+/);
  expect(lines[0]).toContain("3 routes");
  expect(lines.slice(2, 5).map(cells)).toEqual([
    ["A", "one", "3", "2"],
    ["B", "two", "2", "1"],
    ["together", "5", "2"],
  ]);
  expect(lines.slice(7, 9).map(cells)).toEqual([
    ["2", "1", "GET", "/servers"],
    ["1", "0", "POST", "/servers"],
  ]);
  expect(lines.slice(-2).map((line) => line.trim())).toEqual(["Asked for by none of them:", "GET /pricing"]);
});
