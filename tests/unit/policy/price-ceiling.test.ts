import { expect, test } from "vitest";
import { datedCatalogue } from "../../../config/catalogue.ts";
import { type Resource, types } from "../../../policy/resource.ts";
import { overCeiling } from "../../../policy/rules/price-ceiling.ts";
import { resource, unknown } from "./resources.ts";

/*
 * By config/catalogue/2026-09.json, net, EUR a month: cx23 5.49, lb11 7.49 in fsn1; IPv4 0.50, IPv6 free; backups 20 % of the server; a GB of
 * a volume 0.0572.
 */
const named = (type: string, name: string, props: Record<string, unknown>) =>
  resource(type, name, { name: `prod-${name}`, location: "fsn1", ...props });
const cx23 = named(types.server, "web1", { serverType: "cx23", backups: false });
const ipv4 = named(types.primaryIp, "ipv4", { type: "ipv4" });
const ipv6 = named(types.primaryIp, "ipv6", { type: "ipv6" });
const data = named(types.volume, "data", { size: 10 });
const lb11 = named(types.loadBalancer, "front", { loadBalancerType: "lb11" });
const stack = (pricePerMonth?: unknown) => resource(types.stack, "berth-prod", { pricePerMonth });

const said = (perMonth: number, ...resources: Resource[]) => overCeiling(resources, perMonth, datedCatalogue);

test.each<[string, number, Resource[]]>([
  ["a server", 5.49, [cx23]],
  ["a server with backups", 6.59, [named(types.server, "db", { serverType: "cx23", backups: true })]],
  ["a server with its addresses", 5.99, [cx23, ipv4, ipv6]],
  ["a server with a volume", 6.06, [cx23, data]],
  ["a server and a load balancer", 12.98, [cx23, lb11]],
  ["the program's own sum, where that is higher", 50, [stack(50), cx23]],
  ["the resources' sum, where that is higher", 5.49, [stack(1), cx23]],
  ["the resources' sum, where the program's is not known", 5.49, [stack(unknown), cx23]],
])("%s costs as much as its ceiling, and more than a cent below", (_, price, resources) => {
  expect(said(price, ...resources)).toEqual([]);
  expect(said(Math.round(price * 100 - 1) / 100, ...resources)).toEqual([
    expect.stringContaining(`it would cost ${price.toFixed(2)} EUR/month (`),
  ]);
});

test("the message says where the price is from, and by how much it is too high", () => {
  expect(said(40, stack(50), cx23)[0]).toContain(
    "(the program's own sum), which is 10.00 EUR/month above the ceiling of 40.00 EUR/month",
  );
  expect(said(5, cx23)[0]).toContain("(the price list of September 2026 that comes with Berth)");
});

test.each([
  ["a server of another type", named(types.server, "web1", { serverType: "cx99" }), "server prod-web1 cx99"],
  ["a server of no known type", named(types.server, "web1", { serverType: unknown }), "server prod-web1"],
  ["a volume of no known size", named(types.volume, "data", { size: unknown }), "volume prod-data"],
])("%s has a price by the program's word alone", (_, unpriced, what) => {
  expect(said(100, unpriced)).toEqual([expect.stringContaining(`it has no price for ${what}`)]);
  expect(said(100, stack(6), unpriced)).toEqual([]);
  expect(said(5, stack(6), unpriced)).toEqual([expect.stringContaining("it would cost 6.00")]);
});

test("a stack without anything that costs stays below any ceiling", () => {
  expect(said(0.01, stack())).toEqual([]);
});
