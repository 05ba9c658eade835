import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { finished, type TestCloud, testCloud } from "./client.ts";
import { served, zoneComplaints } from "./zone-check.ts";

const day = new Date("2026-10-05T12:00:00Z");
const assigned = ["hydrogen.ns.hetzner.com.", "oxygen.ns.hetzner.com.", "helium.ns.hetzner.de."];

const make = async (cloud: TestCloud, fields: object = {}) =>
  cloud.post("/zones", { name: "example.com", mode: "primary", ...fields });
const soa = async (cloud: TestCloud) =>
  String((await cloud.get("/zones/example.com/rrsets/@/SOA")).at("rrset.records.0.value"));
const set = (name: string, type: string, ...values: string[]) => ({
  name,
  type,
  records: values.map((value) => ({ value })),
});

test("a new primary zone has its SOA and name servers, and is served with them", async () => {
  const cloud = await testCloud({ now: () => day });
  const reply = await make(cloud, { labels: { env: "prod" } });
  expect(reply.status).toBe(201);
  expect(reply.at("zone")).toMatchObject({
    name: "example.com",
    mode: "primary",
    ttl: 3600,
    labels: { env: "prod" },
    protection: { delete: false },
    primary_nameservers: [],
    status: "ok",
    record_count: 4,
    authoritative_nameservers: { assigned, delegated: [], delegation_last_check: null },
  });
  expect(await finished(cloud, reply)).toMatchObject({
    command: "create_zone",
    status: "success",
    resources: [{ id: reply.number("zone.id"), type: "zone" }],
  });
  expect((await cloud.get("/zones/example.com/rrsets")).at("rrsets")).toEqual([
    {
      ...set("@", "NS", ...assigned),
      id: "@/NS",
      ttl: null,
      labels: {},
      protection: { change: false },
      zone: reply.number("zone.id"),
      records: assigned.map((value) => ({ value, comment: "" })),
    },
    expect.objectContaining({
      id: "@/SOA",
      records: [
        {
          value: "hydrogen.ns.hetzner.com. dns.hetzner.com. 2026100500 86400 10800 3600000 3600",
          comment: "",
        },
      ],
    }),
  ]);
  expect(cloud.driver.zones.map(({ name }) => name)).toEqual(["example.com"]);
  expect(served(cloud, "example.com")).toMatchObject({ "@/NS": assigned });
});

test("id and name of a zone are both good for its paths; an unknown one is 404", async () => {
  const cloud = await testCloud();
  const id = (await make(cloud)).number("zone.id");
  for (const path of [`/zones/${id}`, "/zones/example.com"]) {
    expect((await cloud.get(path)).at("zone.id")).toBe(id);
    expect((await cloud.get(`${path}/rrsets/@/NS`)).status).toBe(200);
    expect((await cloud.get(`${path}/actions`)).at("actions.0.command")).toBe("create_zone");
    expect((await cloud.put(path, { labels: { at: "x" } })).at("zone.labels")).toEqual({ at: "x" });
  }
  for (const path of ["/zones/999", "/zones/example.org", "/zones/example.org/actions"]) {
    expect((await cloud.get(path)).at("error.code")).toBe("not_found");
  }
  expect((await cloud.get("/zones?name=example.com")).at("zones")).toHaveLength(1);
  expect((await cloud.get("/zones?mode=secondary")).at("zones")).toEqual([]);
  expect((await cloud.get("/zones/actions")).at("actions")).toHaveLength(1);
});

test.each([
  ["example.com", true],
  ["example.co.uk", true],
  ["xn--mnchen-3ya.de", true],
  ["www.example.com", false],
  ["Example.com", false],
  ["example.com.", false],
  ["example.internal", false],
  ["com", false],
  ["10.in-addr.arpa", false],
  ["-example.com", false],
])("zone name %s is good: %s", async (name, good) => {
  const cloud = await testCloud();
  const reply = await make(cloud, { name });
  expect(reply.status).toBe(good ? 201 : 422);
  if (!good) expect(reply.at("error.details.fields.0.name")).toBe("name");
});

test("a name is taken once, and a protected zone stays", async () => {
  const cloud = await testCloud();
  await make(cloud);
  expect((await make(cloud)).at("error.code")).toBe("uniqueness_error");
  const protect = (on: boolean) => cloud.post("/zones/example.com/actions/change_protection", { delete: on });
  await protect(true);
  expect((await cloud.delete("/zones/example.com")).at("error.code")).toBe("protected");
  await protect(false);
  const gone = await cloud.delete("/zones/example.com");
  expect(gone.status).toBe(201);
  expect(await finished(cloud, gone)).toMatchObject({ command: "delete_zone", status: "success" });
  expect((await cloud.get("/zones/example.com")).status).toBe(404);
  expect(cloud.driver.zones).toEqual([]);
  expect((await make(cloud)).status).toBe(201);
});

test("two POSTs one after the other never meet a lock", async () => {
  const cloud = await testCloud();
  const [created, guarded] = [
    await make(cloud),
    await cloud.post("/zones/example.com/actions/change_protection", { delete: true }),
  ];
  expect([created.status, guarded.status]).toEqual([201, 201]);
  const added = await cloud.post("/zones/example.com/rrsets", set("www", "A", "192.0.2.1"));
  const id = added.number("rrset.zone");
  const kept = await cloud.post(`/zones/${id}/rrsets/www/A/actions/change_protection`, { change: true });
  expect([added.status, kept.status]).toEqual([201, 201]);
  expect(await finished(cloud, kept)).toMatchObject({
    command: "change_rrset_protection",
    status: "success",
  });
});

test("every change counts the serial up: today's first, then one more each, also past 99 and when the clock goes back", async () => {
  let now = day;
  const cloud = await testCloud({ now: () => now });
  await make(cloud);
  const change = (value: string) =>
    cloud.post("/zones/example.com/rrsets/www/A/actions/add_records", { records: [{ value }] });
  const serial = async () => Number((await soa(cloud)).split(" ")[2]);
  await change("192.0.2.1");
  expect(await serial()).toBe(2026100501);
  now = new Date("2026-10-06T00:00:00Z");
  await change("192.0.2.2");
  expect(await serial()).toBe(2026100600);
  now = day;
  for (let last = 10; last < 15; last++) await change(`192.0.2.${last}`);
  expect(await serial()).toBe(2026100605);
  await cloud.cloud.actions.settled();
  expect(served(cloud, "example.com")["@/SOA"]?.[0]).toContain(" 2026100605 ");
});

test("a failing name server fails the action, and what was there before is back", async () => {
  const cloud = await testCloud();
  await make(cloud, { rrsets: [set("www", "A", "192.0.2.1")] });
  await cloud.cloud.actions.settled();
  // Twice: on a slow machine what merely catches up may come before the action.
  for (const _ of [1, 2]) cloud.driver.failNext("setZones", "knot does not answer");
  const reply = await cloud.post("/zones/example.com/rrsets/www/A/actions/set_records", {
    records: [{ value: "192.0.2.9" }],
  });
  expect(await finished(cloud, reply)).toMatchObject({
    status: "error",
    error: { code: "action_failed", message: "knot does not answer" },
  });
  expect((await cloud.get("/zones/example.com/rrsets/www/A")).at("rrset.records.0.value")).toBe("192.0.2.1");
});

test("a zone's TTL and labels change; the TTL is served", async () => {
  const cloud = await testCloud();
  await make(cloud, { ttl: 600 });
  for (const ttl of [59, 2_147_483_648, "600"]) {
    expect((await cloud.post("/zones/example.com/actions/change_ttl", { ttl })).status).toBe(422);
  }
  expect((await cloud.post("/zones/example.com/actions/change_ttl", { ttl: 900 })).status).toBe(201);
  expect((await cloud.get("/zones/example.com")).at("zone.ttl")).toBe(900);
  await cloud.cloud.actions.settled();
  expect(cloud.driver.zones[0]?.text).toContain("$TTL\t900\n");
});

test("a secondary zone has primary name servers and nothing else", async () => {
  const cloud = await testCloud();
  const servers = [{ address: "198.51.100.1" }, { address: "2001:db8::1", port: 5353 }];
  const tsig = { tsig_key: "c2VjcmV0", tsig_algorithm: "hmac-sha256" };
  expect((await make(cloud, { mode: "secondary" })).at("error.details.fields.0.name")).toBe(
    "primary_nameservers",
  );
  const reply = await make(cloud, { mode: "secondary", primary_nameservers: servers });
  expect(reply.at("zone")).toMatchObject({
    mode: "secondary",
    record_count: 0,
    primary_nameservers: [{ address: "198.51.100.1", port: 53 }, servers[1]],
  });
  const change = (primary_nameservers: object[]) =>
    cloud.post("/zones/example.com/actions/change_primary_nameservers", { primary_nameservers });
  expect((await change([{ address: "198.51.100.1", ...tsig }])).status).toBe(201);
  expect((await cloud.get("/zones/example.com")).at("zone.primary_nameservers.0")).toEqual({
    address: "198.51.100.1",
    port: 53,
    ...tsig,
  });
  for (const bad of [
    [],
    [{ address: "ns.example.org" }],
    [servers[0], servers[0]],
    [{ address: "198.51.100.1", tsig_key: "c2VjcmV0" }],
  ]) {
    expect((await change(bad as object[])).status).toBe(422);
  }
  for (const [method, path] of [
    ["get", "rrsets"],
    ["get", "zonefile"],
    ["post", "rrsets"],
    ["post", "actions/change_ttl"],
    ["post", "actions/import_zonefile"],
    ["post", "rrsets/www/A/actions/add_records"],
  ] as const) {
    expect((await cloud[method](`/zones/example.com/${path}`)).at("error.code"), path).toBe(
      "incorrect_zone_mode",
    );
  }
  await cloud.cloud.actions.settled();
  expect(cloud.driver.zones).toEqual([]);
});

test("a primary zone has no primary name servers to change", async () => {
  const cloud = await testCloud();
  await make(cloud, { primary_nameservers: [{ address: "198.51.100.1" }] });
  expect((await cloud.get("/zones/example.com")).at("zone.primary_nameservers")).toEqual([]);
  const reply = await cloud.post("/zones/example.com/actions/change_primary_nameservers", {
    primary_nameservers: [{ address: "198.51.100.1" }],
  });
  expect(reply.at("error.code")).toBe("incorrect_zone_mode");
});

test("a zone is ordered with record sets, which are checked against each other", async () => {
  const cloud = await testCloud();
  const reply = await make(cloud, {
    rrsets: [
      { ...set("www", "A", "192.0.2.1", "192.0.2.2"), ttl: 300, labels: { a: "b" } },
      set("*", "CNAME", "www"),
    ],
  });
  expect(reply.at("zone.record_count")).toBe(7);
  expect((await cloud.get("/zones/example.com/rrsets/www/A")).at("rrset")).toMatchObject({
    ttl: 300,
    labels: { a: "b" },
  });
  const wrong = await make(cloud, {
    name: "example.org",
    rrsets: [set("www", "A", "192.0.2.1"), set("www", "A", "192.0.2.2"), set("www", "CNAME", "@")],
  });
  expect(wrong.at("error.details.fields")).toMatchObject([
    { name: "rrsets.1.name" },
    { name: "rrsets.2.type" },
  ]);
});

test("the name server is told of the zones when the cloud starts again, and of nothing while there are none", async () => {
  const folder = mkdtempSync(join(tmpdir(), "zones-"));
  try {
    const stateFile = join(folder, "cloud.json");
    const first = await testCloud({ stateFile });
    expect(first.driver.calls).not.toContain("setZones");
    await make(first);
    await first.cloud.actions.settled();
    const text = first.driver.zones[0]?.text;
    const second = await testCloud({ stateFile });
    expect(second.driver.zones).toEqual([{ name: "example.com", text }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("lists of record sets are filtered, sorted, and paged by up to a hundred", async () => {
  const cloud = await testCloud();
  const names = Array.from({ length: 110 }, (_, index) => `n${String(index).padStart(3, "0")}`);
  await make(cloud, {
    rrsets: names.map((name) => ({ ...set(name, "A", "192.0.2.1"), labels: { n: name } })),
  });
  const list = async (query: string) => {
    const reply = await cloud.get(`/zones/example.com/rrsets?${query}`);
    return (
      (reply.at("rrsets") as { id: string }[] | undefined)?.map(({ id }) => id) ?? reply.at("error.code")
    );
  };
  expect(await list("per_page=100")).toHaveLength(100);
  expect(await list("per_page=1000")).toHaveLength(100);
  expect(await list("page=2&per_page=100")).toHaveLength(12);
  expect(await list("name=n007")).toEqual(["n007/A"]);
  expect(await list("type=SOA&type=NS")).toEqual(["@/NS", "@/SOA"]);
  expect(await list("label_selector=n%3Dn100")).toEqual(["n100/A"]);
  expect(await list("type=A&sort=name:desc&per_page=2")).toEqual(["n109/A", "n108/A"]);
  expect(await list("type=WRONG")).toBe("invalid_input");
});

test("whatever is accepted in a TXT record is a zone that a name server loads, and comes back byte for byte", async () => {
  const cloud = await testCloud();
  await make(cloud);
  const texts = fc.array(fc.string({ unit: "binary-ascii", maxLength: 300 }), { maxLength: 4 });
  let number = 0;
  await fc.assert(
    fc.asyncProperty(texts, async (parts) => {
      const value = parts.map((part) => `"${part}"`).join(" ");
      const name = `t${number++}`;
      const reply = await cloud.post("/zones/example.com/rrsets", set(name, "TXT", value));
      if (reply.status === 201) {
        expect((await cloud.get(`/zones/example.com/rrsets/${name}/TXT`)).at("rrset.records.0.value")).toBe(
          value,
        );
      } else {
        expect(reply.status).toBe(422);
      }
    }),
    { numRuns: 100 },
  );
  await cloud.cloud.actions.settled();
  expect(zoneComplaints(cloud.driver.zones)).toEqual([]);
});
