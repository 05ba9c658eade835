import { expect, test } from "vitest";
import { finished, type TestCloud, testCloud } from "./client.ts";
import { served } from "./zone-check.ts";

const base = "/zones/example.com/rrsets";
const a = (...values: string[]) => values.map((value) => ({ value }));

async function zoneCloud(): Promise<TestCloud> {
  const cloud = await testCloud();
  await cloud.post("/zones", { name: "example.com", mode: "primary" });
  return cloud;
}
const make = (cloud: TestCloud, fields: object = {}) =>
  cloud.post(base, { name: "www", type: "A", records: a("192.0.2.1"), ...fields });
const act = (cloud: TestCloud, set: string, name: string, body: object) =>
  cloud.post(`${base}/${set}/actions/${name}`, body);
const values = async (cloud: TestCloud, set: string) => {
  const records = (await cloud.get(`${base}/${set}`)).at("rrset.records") as { value: string }[] | undefined;
  return records?.map(({ value }) => value);
};

test("a record set comes back as it was sent, with the zone's number, and is served", async () => {
  const cloud = await zoneCloud();
  const zone = (await cloud.get("/zones/example.com")).number("zone.id");
  const records = [{ value: "192.0.2.1", comment: "the web server" }, { value: "192.0.2.2" }];
  const reply = await make(cloud, { ttl: 300, labels: { env: "prod" }, records });
  expect(reply.status).toBe(201);
  expect(reply.at("rrset")).toEqual({
    id: "www/A",
    name: "www",
    type: "A",
    ttl: 300,
    labels: { env: "prod" },
    protection: { change: false },
    records: [records[0], { value: "192.0.2.2", comment: "" }],
    zone,
  });
  expect(await finished(cloud, reply)).toMatchObject({
    command: "create_rrset",
    status: "success",
    resources: [{ id: zone, type: "zone" }],
  });
  expect((await cloud.get(`${base}/www/A`)).at("rrset")).toEqual(reply.at("rrset"));
  expect(cloud.driver.zones[0]?.text).toContain("www\tIN\t300\tA\t192.0.2.1 ; the web server\n");
  expect((await make(cloud)).at("error.code")).toBe("uniqueness_error");
});

test.each([
  ["an upper case name", { name: "WWW" }, "name"],
  ["a name with the zone's", { name: "www.example.com" }, "name"],
  ["an unknown type", { type: "LOC" }, "type"],
  ["no records", { records: [] }, "records"],
  ["a value twice", { records: a("192.0.2.1", "192.0.2.1") }, "records.1.value"],
  ["a wrong value", { records: a("192.0.2.1", "www") }, "records.1.value"],
  ["a TXT without quotes", { type: "TXT", records: a("v=spf1 ~all") }, "records.0.value"],
  ["a short TTL", { ttl: 59 }, "ttl"],
  ["two CNAMEs", { type: "CNAME", records: a("a", "b") }, "records"],
  ["the zone as a CNAME", { name: "@", type: "CNAME", records: a("www") }, "type"],
  ["an SOA below the zone", { type: "SOA", records: a("a b 1 2 3 4 5") }, "name"],
  ["a comment in two lines", { records: [{ value: "192.0.2.1", comment: "a\nb" }] }, "records.0.comment"],
])("%s is refused at %s", async (_, fields, field) => {
  const cloud = await zoneCloud();
  const reply = await make(cloud, fields);
  expect(reply.status).toBe(422);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
});

test("a CNAME is alone at its name, whichever comes first", async () => {
  const cloud = await zoneCloud();
  const cname = { type: "CNAME", records: a("web") };
  await make(cloud);
  expect((await make(cloud, cname)).at("error.message")).toBe(
    "a CNAME cannot be beside other records; 'www' has A",
  );
  expect((await make(cloud, { ...cname, name: "*" })).status).toBe(201);
  expect((await make(cloud, { name: "*" })).at("error.message")).toContain("is a CNAME");
  expect((await act(cloud, "*/AAAA", "add_records", { records: a("2001:db8::1") })).status).toBe(422);
});

test("records are added, to a set that is there or to a new one", async () => {
  const cloud = await zoneCloud();
  const added = await act(cloud, "www/A", "add_records", { records: a("192.0.2.1"), ttl: 300 });
  expect(added.status).toBe(201);
  expect(await finished(cloud, added)).toMatchObject({ command: "add_rrset_records", status: "success" });
  expect((await act(cloud, "www/A", "add_records", { records: a("192.0.2.2") })).status).toBe(201);
  expect(await values(cloud, "www/A")).toEqual(["192.0.2.1", "192.0.2.2"]);
  expect((await cloud.get(`${base}/www/A`)).at("rrset.ttl")).toBe(300);
  const other = await act(cloud, "www/A", "add_records", { records: a("192.0.2.3"), ttl: 400 });
  expect(other.at("error.details.fields.0.name")).toBe("ttl");
  const twice = await act(cloud, "www/A", "add_records", { records: a("192.0.2.3", "192.0.2.1") });
  expect(twice.at("error.details.fields.0.name")).toBe("records.1.value");
  expect((await act(cloud, "www/WRONG", "add_records", { records: a("192.0.2.3") })).status).toBe(422);
  await cloud.cloud.actions.settled();
  expect(served(cloud, "example.com")["www/A"]).toEqual(["192.0.2.1", "192.0.2.2"]);
});

test("records are taken away, and the set with its last one", async () => {
  const cloud = await zoneCloud();
  await make(cloud, { records: a("192.0.2.1", "192.0.2.2") });
  const absent = await act(cloud, "www/A", "remove_records", { records: a("192.0.2.9") });
  expect(absent.at("error.details.fields.0.name")).toBe("records.0.value");
  await act(cloud, "www/A", "remove_records", { records: a("192.0.2.1") });
  expect(await values(cloud, "www/A")).toEqual(["192.0.2.2"]);
  const last = await act(cloud, "www/A", "remove_records", { records: a("192.0.2.2") });
  expect(await finished(cloud, last)).toMatchObject({ command: "remove_rrset_records", status: "success" });
  expect((await cloud.get(`${base}/www/A`)).status).toBe(404);
  expect(served(cloud, "example.com")).not.toHaveProperty("www/A");
});

test("records are set, and their comments updated by value", async () => {
  const cloud = await zoneCloud();
  await make(cloud);
  await act(cloud, "www/A", "set_records", { records: a("192.0.2.7", "192.0.2.8") });
  const updated = await act(cloud, "www/A", "update_records", {
    records: [{ value: "192.0.2.8", comment: "the other one" }],
  });
  expect(updated.status).toBe(200);
  expect(updated.at("action.command")).toBe("update_rrset_records");
  expect((await cloud.get(`${base}/www/A`)).at("rrset.records")).toEqual([
    { value: "192.0.2.7", comment: "" },
    { value: "192.0.2.8", comment: "the other one" },
  ]);
  expect((await act(cloud, "www/A", "set_records", { records: a("nowhere") })).status).toBe(422);
  expect((await act(cloud, "no/A", "set_records", { records: a("192.0.2.1") })).status).toBe(404);
});

test("TTL and labels of a set change; null takes the zone's TTL", async () => {
  const cloud = await zoneCloud();
  await make(cloud);
  const changed = await act(cloud, "www/A", "change_ttl", { ttl: 120 });
  expect(changed.at("action.command")).toBe("change_rrset_ttl");
  expect((await cloud.get(`${base}/www/A`)).at("rrset.ttl")).toBe(120);
  await act(cloud, "www/A", "change_ttl", { ttl: null });
  expect((await cloud.get(`${base}/www/A`)).at("rrset.ttl")).toBeNull();
  expect((await act(cloud, "www/A", "change_ttl", {})).status).toBe(422);
  expect((await cloud.put(`${base}/www/A`, { labels: { a: "b" } })).at("rrset.labels")).toEqual({ a: "b" });
  expect((await cloud.put(`${base}/www/A`, {})).at("rrset.labels")).toEqual({ a: "b" });
});

test("a protected set can be read and labelled, and nothing else", async () => {
  const cloud = await zoneCloud();
  await make(cloud);
  await act(cloud, "www/A", "change_protection", { change: true });
  expect((await cloud.put(`${base}/www/A`, { labels: { a: "b" } })).at("rrset.protection")).toEqual({
    change: true,
  });
  const records = a("192.0.2.1");
  for (const [name, body] of [
    ["set_records", { records }],
    ["add_records", { records }],
    ["remove_records", { records }],
    ["update_records", { records }],
    ["change_ttl", { ttl: 60 }],
  ] as const) {
    expect((await act(cloud, "www/A", name, body)).status, name).toBe(423);
  }
  expect((await cloud.delete(`${base}/www/A`)).at("error.code")).toBe("protected");
  await act(cloud, "www/A", "change_protection", { change: false });
  const gone = await cloud.delete(`${base}/www/A`);
  expect(gone.status).toBe(201);
  expect(await finished(cloud, gone)).toMatchObject({ command: "delete_rrset", status: "success" });
});

test("SOA and name servers of the zone itself can be changed, never deleted; the serial is not the user's", async () => {
  const cloud = await testCloud({ now: () => new Date("2026-10-05T12:00:00Z") });
  await cloud.post("/zones", { name: "example.com", mode: "primary" });
  for (const type of ["SOA", "NS"]) {
    expect((await cloud.delete(`${base}/@/${type}`)).at("error.code")).toBe("unsupported_error");
  }
  const soa = "hydrogen.ns.hetzner.com. dns.hetzner.com. 0 86400 10800 3600000 600";
  expect((await act(cloud, "@/SOA", "set_records", { records: a(soa) })).status).toBe(201);
  expect(await values(cloud, "@/SOA")).toEqual([soa.replace(" 0 ", " 2026100501 ")]);
});

test("names with special characters are found by their encoded path", async () => {
  const cloud = await zoneCloud();
  await make(cloud, { name: "*.dev" });
  await make(cloud, { name: "_acme-challenge", type: "TXT", records: a('"one"') });
  for (const path of ["*.dev/A", "%2A.dev/A", "_acme-challenge/TXT", "%40/NS"]) {
    expect((await cloud.get(`${base}/${path}`)).status, path).toBe(200);
  }
});
