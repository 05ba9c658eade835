import { expect, test } from "vitest";
import { Catalogue } from "../../../lab/cloud/catalogue.ts";
import { testCloud } from "./client.ts";

const day = 24 * 60 * 60 * 1000;
const now = new Date("2031-05-01T00:00:00Z");
const catalogue = new Catalogue(now);

test("a price is net and gross in the API's decimals", () => {
  const prices = catalogue.serverType("cx23")?.prices.find(({ location }) => location === "fsn1");
  expect(prices?.price_monthly).toEqual({ net: "5.4900000000", gross: "6.5331000000000000" });
  expect(prices?.price_hourly).toEqual({ net: "0.0088000000", gross: "0.0104720000000000" });
});

test("ids and names are unique, but for images, whose names come once per architecture", () => {
  for (const list of [catalogue.locations, catalogue.serverTypes]) {
    expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
    expect(new Set(list.map(({ id }) => id)).size).toBe(list.length);
  }
  const images = catalogue.images.map(({ name, architecture }) => `${name} ${architecture}`);
  expect(new Set(images).size).toBe(images.length);
  expect(new Set(catalogue.images.map(({ id }) => id)).size).toBe(images.length);
});

test("debian-13 is there for both architectures", () => {
  expect(catalogue.image("debian-13", "x86")?.architecture).toBe("x86");
  expect(catalogue.image("debian-13", "arm")?.architecture).toBe("arm");
});

test("whatever the clock says, types on sale have no end and retired ones have theirs behind them", () => {
  const sold = catalogue.serverTypes.filter(({ deprecated }) => !deprecated);
  expect(sold.map(({ name }) => name)).toContain("cx23");
  expect(
    sold.every(
      ({ deprecation, locations }) => deprecation === null && locations.every(({ available }) => available),
    ),
  ).toBe(true);
  const retired = catalogue.serverTypes.filter(({ deprecated }) => deprecated);
  expect(retired.map(({ name }) => name)).toContain("cpx11");
  for (const { deprecation, locations } of retired) {
    expect(Date.parse(deprecation?.unavailable_after ?? "")).toBeLessThan(now.getTime());
    expect(locations.some(({ available }) => available)).toBe(false);
  }
});

test("deprecated images are long enough so for clients to refuse them", () => {
  const age = now.getTime() - Date.parse(catalogue.image("debian-11", "x86")?.deprecated ?? "");
  expect(age).toBeGreaterThan(90 * day);
});

test("a program that comes on a system is an image of its own kind", async () => {
  const cloud = await testCloud();
  const apps = await cloud.get("/images?type=app&architecture=x86");
  expect(apps.at("images")).toMatchObject([{ name: "docker-ce", type: "app", os_flavor: "ubuntu" }]);
});

test("images are found by name and architecture; deprecated ones only when asked for", async () => {
  const cloud = await testCloud();
  const found = await cloud.get("/images?architecture=arm&include_deprecated=true&name=debian-13");
  expect(found.at("images")).toMatchObject([
    { name: "debian-13", architecture: "arm", type: "system", image_size: null },
  ]);
  expect((await cloud.get("/images?name=debian-11")).at("images")).toEqual([]);
  expect((await cloud.get("/images?name=debian-11&include_deprecated=true")).at("images")).toHaveLength(2);
});

test.each(["locations", "server_types"])("%s are listed, found by name and read by id", async (many) => {
  const cloud = await testCloud();
  const all = await cloud.get(`/${many}?per_page=50&sort=id:asc`);
  const name = all.at(`${many}.0.name`);
  const id = all.number(`${many}.0.id`);
  expect((await cloud.get(`/${many}?name=${name}`)).at(many)).toHaveLength(1);
  expect((await cloud.get(`/${many}?name=${id}`)).at(many)).toEqual([]);
  expect((await cloud.get(`/${many}/${id}`)).at(`${many.slice(0, -1)}.name`)).toBe(name);
  expect((await cloud.get(`/${many}/4711`)).status).toBe(404);
});

test("numbers clients decode as integers are integers, and memory is a number", () => {
  for (const type of catalogue.serverTypes) {
    expect([type.id, type.cores, type.disk].every(Number.isInteger)).toBe(true);
    expect(typeof type.memory).toBe("number");
  }
});

test("pricing lists as many floating as primary IP prices, so that hcloud-go does not panic", async () => {
  const reply = await (await testCloud()).get("/pricing");
  const [floating, primary] = [reply.at("pricing.floating_ips"), reply.at("pricing.primary_ips")] as [
    unknown[],
    unknown[],
  ];
  expect(floating.length).toBeGreaterThanOrEqual(primary.length);
  expect(reply.at("pricing")).toMatchObject({
    currency: "EUR",
    vat_rate: "19.00",
    server_backup: { percentage: "20.00" },
  });
});

test("datacenters are gone with 410, and there again for old clients", async () => {
  const reply = await (await testCloud()).get("/datacenters");
  expect(reply.status).toBe(410);
  expect(reply.at("error.code")).toBe("deprecated_api_endpoint");
  expect(reply.at("error.details.announcement")).toBeTypeOf("string");
  const old = await (await testCloud({ legacyDatacenter: true })).get("/datacenters?name=fsn1-dc14");
  expect(old.at("datacenters.0.location.name")).toBe("fsn1");
});

test("load balancer types are sold everywhere, and cost in pricing what they say themselves", async () => {
  const cloud = await testCloud();
  const types = (await cloud.get("/load_balancer_types")).at("load_balancer_types") as { name: string }[];
  expect(types.map(({ name }) => name)).toEqual(["lb11", "lb21", "lb31"]);
  expect((await cloud.get("/load_balancer_types/1")).at("load_balancer_type")).toMatchObject({
    name: "lb11",
    max_targets: 25,
    deprecation: null,
  });
  expect((await cloud.get("/load_balancer_types/4")).at("error.message")).toBe(
    "load balancer type with ID '4' not found",
  );
  const pricing = await cloud.get("/pricing");
  for (const many of ["load_balancer_types", "server_types"]) {
    const sold = (await cloud.get(`/${many}?per_page=50`)).at(many) as Record<string, unknown>[];
    const priced = (pricing.at(`pricing.${many}`) as { id: number }[]).toSorted((a, b) => a.id - b.id);
    expect(priced).toEqual(sold.map(({ id, name, prices }) => ({ id, name, prices })));
  }
});
