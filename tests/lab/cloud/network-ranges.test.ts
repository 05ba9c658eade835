import fc from "fast-check";
import { expect, test } from "vitest";
import {
  contains,
  formatAddress,
  formatCidr,
  overlap,
  parseAddress,
  parseCidr,
} from "../../../lab/cloud/ip.ts";
import {
  aliasProblem,
  chooseAddress,
  freeSubnet,
  gatewayOf,
  growthProblem,
  type Layout,
  networkRange,
  routeDestination,
  routeProblem,
  subnetGateway,
  subnetProblem,
  subnetRange,
} from "../../../lab/cloud/network-ranges.ts";
import type { Member, Subnet } from "../../../lab/cloud/network-records.ts";

const zones = ["eu-central", "us-east"];
const subnet = (ip_range: string, fields: Partial<Subnet> = {}): Subnet => ({
  type: "cloud",
  ip_range,
  network_zone: "eu-central",
  vswitch_id: null,
  ...fields,
});
const member = (ip: string, alias_ips: string[] = []): Member => ({
  type: "server",
  id: 1,
  ip,
  alias_ips,
  mac: "86:00:00:00:00:01",
});
const layout = (fields: Partial<Layout> = {}): Layout => ({
  ip_range: "10.0.0.0/16",
  subnets: [subnet("10.0.1.0/24")],
  routes: [],
  members: [],
  ...fields,
});

test.each([
  ["network", "10.0.0.0/8", true],
  ["network", "192.168.1.0/24", true],
  ["network", "172.16.0.0/12", true],
  ["network", "10.0.0.0/25", false],
  ["network", "10.0.0.0/7", false],
  ["network", "172.32.0.0/16", false],
  ["network", "8.8.8.0/24", false],
  ["network", "10.0.0.1/16", false],
  ["network", "10.0.0.0/016", false],
  ["network", "10.0.0.0", false],
  ["network", "fd00::/64", false],
  ["subnet", "10.0.0.0/30", true],
  ["subnet", "10.0.0.0/31", false],
  ["route", "0.0.0.0/0", true],
  ["route", "10.1.2.3/32", true],
  ["route", "1.1.1.1/32", false],
] as const)("the range of a %s may be %s: %s", (what, text, fits) => {
  const schema = { network: networkRange, subnet: subnetRange, route: routeDestination }[what];
  expect(schema.safeParse(text).success).toBe(fits);
});

test.each<[string, Partial<Layout>, Subnet, string | undefined]>([
  ["another part of the network", {}, subnet("10.0.2.0/24"), undefined],
  ["the same range", {}, subnet("10.0.1.0/24"), "ip_range"],
  ["a range around one", {}, subnet("10.0.0.0/23"), "ip_range"],
  ["a range outside", {}, subnet("10.1.0.0/24"), "ip_range"],
  ["more than the network", { subnets: [] }, subnet("10.0.0.0/15"), "ip_range"],
  [
    "a range with a route to it",
    { routes: [{ destination: "10.0.2.0/25", gateway: "10.0.1.1" }] },
    subnet("10.0.2.0/24"),
    "ip_range",
  ],
  [
    "any range beside a default route",
    { routes: [{ destination: "0.0.0.0/0", gateway: "10.0.1.1" }] },
    subnet("10.0.2.0/24"),
    undefined,
  ],
  ["an unknown zone", {}, subnet("10.0.2.0/24", { network_zone: "mars" }), "network_zone"],
  ["another zone than the others", {}, subnet("10.0.2.0/24", { network_zone: "us-east" }), "network_zone"],
  ["a vSwitch without its id", {}, subnet("10.0.2.0/24", { type: "vswitch" }), "vswitch_id"],
  ["a vSwitch's id without the type", {}, subnet("10.0.2.0/24", { vswitch_id: 5 }), "vswitch_id"],
  [
    "a vSwitch outside of Europe",
    { subnets: [] },
    subnet("10.0.2.0/24", { type: "vswitch", vswitch_id: 5, network_zone: "us-east" }),
    "network_zone",
  ],
])("a subnet with %s", (_, network, wanted, field) => {
  expect(subnetProblem(layout(network), wanted, zones)?.field).toBe(field);
});

test.each<[string, Partial<Layout>, string, string, string | undefined]>([
  ["to somewhere else", {}, "10.100.0.0/24", "10.0.1.5", undefined],
  ["to an unused part of the network", {}, "10.0.9.0/24", "10.0.1.5", undefined],
  ["to everywhere", {}, "0.0.0.0/0", "10.0.1.5", undefined],
  ["into a subnet", {}, "10.0.1.128/25", "10.0.1.5", "destination"],
  ["around a subnet", {}, "10.0.0.0/8", "10.0.1.5", "destination"],
  ["around the public gateway", {}, "172.31.0.0/16", "10.0.1.5", "destination"],
  ["over the network's gateway", {}, "10.100.0.0/24", "10.0.0.1", "gateway"],
  ["over the public gateway", {}, "10.100.0.0/24", "172.31.1.1", "gateway"],
  ["over somebody outside", {}, "10.100.0.0/24", "10.1.0.5", "gateway"],
  [
    "over somebody behind a vSwitch",
    { subnets: [subnet("10.0.1.0/24", { type: "vswitch", vswitch_id: 5 })] },
    "10.100.0.0/24",
    "10.0.1.5",
    "gateway",
  ],
  [
    "to where one goes",
    { routes: [{ destination: "10.100.0.0/24", gateway: "10.0.1.5" }] },
    "10.100.0.0/25",
    "10.0.1.6",
    "destination",
  ],
  [
    "to everywhere a second time",
    { routes: [{ destination: "0.0.0.0/0", gateway: "10.0.1.5" }] },
    "0.0.0.0/0",
    "10.0.1.6",
    "destination",
  ],
])("a route %s", (_, network, destination, gateway, field) => {
  expect(routeProblem(layout(network), { destination, gateway })?.field).toBe(field);
});

test.each([
  ["10.0.0.0/16", "10.0.0.0/16", true],
  ["10.0.0.0/16", "10.0.0.0/15", true],
  ["10.0.0.0/16", "10.0.0.0/17", false],
  ["10.1.0.0/16", "10.0.0.0/15", false],
])("%s may become %s: %s", (from, to, fits) => {
  expect(growthProblem(from, to) === undefined).toBe(fits);
});

test.each<[string, Partial<Layout>, Parameters<typeof chooseAddress>[2], string]>([
  ["the first of the subnet", {}, {}, "10.0.1.1"],
  ["the second where the first is the gateway", { subnets: [subnet("10.0.0.0/24")] }, {}, "10.0.0.2"],
  ["the first that is free", { members: [member("10.0.1.1", ["10.0.1.2"])] }, {}, "10.0.1.3"],
  [
    "one of the subnet that is named",
    { subnets: [subnet("10.0.1.0/24"), subnet("10.0.2.0/24")] },
    { ip_range: "10.0.2.0/24" },
    "10.0.2.1",
  ],
  [
    "one of the next subnet when one is full",
    {
      subnets: [subnet("10.0.1.0/30"), subnet("10.0.2.0/24")],
      members: [member("10.0.1.1", ["10.0.1.2"])],
    },
    {},
    "10.0.2.1",
  ],
  [
    "never the public gateway",
    { ip_range: "172.16.0.0/12", subnets: [subnet("172.31.1.0/30")] },
    {},
    "172.31.1.2",
  ],
  ["the one that is asked for", {}, { ip: "10.0.1.77" }, "10.0.1.77"],
  ["none without a subnet", { subnets: [] }, {}, "no_subnet_available"],
  [
    "none in another zone",
    { subnets: [subnet("10.0.1.0/24", { network_zone: "us-east" })] },
    {},
    "no_subnet_available",
  ],
  [
    "none of a vSwitch's",
    { subnets: [subnet("10.0.1.0/24", { type: "vswitch", vswitch_id: 5 })] },
    {},
    "no_subnet_available",
  ],
  [
    "none when all are full",
    { subnets: [subnet("10.0.1.0/30")], members: [member("10.0.1.1", ["10.0.1.2"])] },
    {},
    "no_subnet_available",
  ],
  ["none of a subnet that is not there", {}, { ip_range: "10.0.3.0/24" }, "no_subnet_available"],
  ["not a taken one", { members: [member("10.0.1.7")] }, { ip: "10.0.1.7" }, "ip_not_available"],
  [
    "not another's alias",
    { members: [member("10.0.1.7", ["10.0.1.8"])] },
    { ip: "10.0.1.8" },
    "ip_not_available",
  ],
  ["not the gateway", { subnets: [subnet("10.0.0.0/24")] }, { ip: "10.0.0.1" }, "ip_not_available"],
  ["not one outside of all subnets", {}, { ip: "10.0.2.1" }, "ip_not_available"],
  ["not the subnet's own", {}, { ip: "10.0.1.0" }, "ip_not_available"],
  ["not the broadcast address", {}, { ip: "10.0.1.255" }, "ip_not_available"],
  [
    "not one outside of the subnet that is named",
    { subnets: [subnet("10.0.1.0/24"), subnet("10.0.2.0/24")] },
    { ip: "10.0.1.5", ip_range: "10.0.2.0/24" },
    "invalid_input",
  ],
])("the address of a new member is %s", (_, network, wanted, expected) => {
  const choice = chooseAddress(layout(network), "eu-central", wanted);
  expect("ip" in choice ? choice.ip : choice.code).toBe(expected);
});

test("aliases are free addresses of the subnets, at most five; present ones may stay", () => {
  const own = member("10.0.1.1", ["10.0.1.2"]);
  const network = layout({ members: [own, member("10.0.1.9")] });
  const code = (aliases: string[]) => aliasProblem(network, "eu-central", aliases, own)?.code;
  expect(code(["10.0.1.2", "10.0.1.3"])).toBeUndefined();
  expect(code([])).toBeUndefined();
  expect(code(["10.0.1.9"])).toBe("ip_not_available");
  expect(code(["10.0.1.1"])).toBe("ip_not_available");
  expect(code(["10.0.1.3", "10.0.1.3"])).toBe("ip_not_available");
  expect(code(["10.0.2.3"])).toBe("ip_not_available");
  expect(code([3, 4, 5, 6, 7, 8].map((last) => `10.0.1.${last}`))).toBe("resource_limit_exceeded");
});

test("the gateway is the network's first address, and a vSwitch's is its own", () => {
  const network = layout();
  expect(gatewayOf(network)).toBe("10.0.0.1");
  expect(subnetGateway(network, subnet("10.0.1.0/24"))).toBe("10.0.0.1");
  expect(subnetGateway(network, subnet("10.0.2.0/24", { type: "vswitch", vswitch_id: 5 }))).toBe("10.0.2.1");
});

const ranges = fc
  .tuple(fc.nat(0xffff), fc.integer({ min: 16, max: 30 }))
  .map(([host, prefix]) => formatCidr({ family: 4, value: start(host, prefix), prefix }));
const start = (host: number, prefix: number) => {
  const bits = BigInt(32 - prefix);
  return (((10n << 24n) + BigInt(host)) >> bits) << bits;
};

test("the subnet chosen for want of a range always fits, and is missing only when no /24 is free", () => {
  fc.assert(
    fc.property(fc.uniqueArray(ranges, { maxLength: 6 }), fc.constantFrom(20, 22, 24), (taken, prefix) => {
      const ip_range = `10.0.0.0/${prefix}`;
      const network = layout({ ip_range, subnets: taken.map((range) => subnet(range)) });
      const chosen = freeSubnet(network);
      const free = (third: number) =>
        !taken.some((range) => overlap(cidr(range), cidr(`10.0.${third}.0/24`)));
      if (chosen === undefined) {
        expect([...Array(2 ** (24 - prefix)).keys()].some(free)).toBe(false);
      } else {
        expect(subnetProblem(network, subnet(chosen), zones)).toBeUndefined();
      }
    }),
  );
});

test("members that come one after the other never share an address, and all lie in a subnet", () => {
  const step = fc.record({ ask: fc.option(fc.integer({ min: 0, max: 20 })) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const members: Member[] = [];
      const network = layout({ subnets: [subnet("10.0.0.0/29"), subnet("10.0.1.0/29")], members });
      for (const { ask } of steps) {
        const ip = ask === null ? null : formatAddress({ family: 4, value: start(0, 16) + BigInt(ask) });
        const choice = chooseAddress(network, "eu-central", { ip });
        if ("ip" in choice) members.push(member(choice.ip));
      }
      const all = members.map(({ ip }) => ip);
      expect(new Set(all).size).toBe(all.length);
      for (const ip of all) {
        expect(network.subnets.some(({ ip_range }) => contains(cidr(ip_range), address(ip)))).toBe(true);
        expect(ip).not.toBe("10.0.0.1");
      }
    }),
  );
});

function cidr(text: string) {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function address(text: string) {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}
