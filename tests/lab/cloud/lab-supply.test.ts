import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const order = (cloud: TestCloud, fields: object = {}) =>
  cloud.post("/servers", { name: "two", server_type: "cx23", image: "debian-13", ...fields });

const offers = async (cloud: TestCloud) =>
  (await cloud.get("/server_types?name=cx23")).at("server_types.0.locations") as {
    name: string;
    available: boolean;
  }[];

test("a type that is sold out in a location is shown so, and cannot be ordered or changed to there", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud, { server_type: "cx33" });
  const reply = await cloud.post("/lab/sold-out", { server_type: "cx23", location: "fsn1" });
  expect(reply.at("sold_out")).toEqual([{ server_type: "cx23", location: "fsn1" }]);
  expect((await offers(cloud)).filter(({ available }) => !available)).toMatchObject([{ name: "fsn1" }]);

  const refused = await order(cloud, { location: "fsn1" });
  expect([refused.status, refused.at("error.code")]).toEqual([412, "resource_unavailable"]);
  await cloud.post("/lab/sold-out", { server_type: "cx43", location: "fsn1" });
  await finished(cloud, await cloud.post(`/servers/${server}/actions/poweroff`));
  const body = { server_type: "cx43", upgrade_disk: false };
  expect((await cloud.post(`/servers/${server}/actions/change_type`, body)).at("error.code")).toBe(
    "resource_unavailable",
  );
  expect((await order(cloud)).at("server.location.name")).toBe("nbg1");
});

test("without a location a type is sold out everywhere, and comes back one by one or all at once", async () => {
  const cloud = await testCloud();
  await cloud.post("/lab/sold-out", { server_type: "cx23" });
  expect((await offers(cloud)).some(({ available }) => available)).toBe(false);
  expect((await order(cloud)).at("error.code")).toBe("resource_unavailable");
  await cloud.post("/lab/sold-out", { server_type: "cx23", location: "hel1", sold_out: false });
  expect((await order(cloud)).at("server.location.name")).toBe("hel1");
  expect((await cloud.delete("/lab/sold-out")).status).toBe(204);
  expect((await offers(cloud)).every(({ available }) => available)).toBe(true);
});

test.each([
  [{ server_type: "cx999" }, "server_type"],
  [{ server_type: "cx23", location: "sin" }, "location"],
])("%j cannot be sold out", async (body, field) => {
  const reply = await (await testCloud()).post("/lab/sold-out", body);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
});

test.each([
  ["servers", { servers: 1 }, {}, "server limit reached", "server_limit"],
  ["primary IPs", { primary_ips: 3 }, {}, "Primary IP limit exceeded", "primary_ip_limit"],
  [
    "dedicated cores",
    { dedicated_cores: 1 },
    { server_type: "ccx13" },
    "dedicated core limit exceeded",
    "dedicated_core_limit",
  ],
])(
  "a limit of %s refuses the server that is one too many, and takes nothing",
  async (_, limits, fields, message, name) => {
    const cloud = await testCloud();
    await orderServer(cloud);
    const before = (await cloud.get("/primary_ips")).at("meta.pagination.total_entries");
    expect((await cloud.post("/lab/limits", limits)).at("limits")).toEqual(limits);
    const refused = await order(cloud, fields);
    expect(refused.status).toBe(403);
    expect(refused.at("error")).toEqual({
      code: "resource_limit_exceeded",
      message,
      details: { limits: [{ name }] },
    });
    expect((await cloud.get("/servers")).at("meta.pagination.total_entries")).toBe(1);
    expect((await cloud.get("/primary_ips")).at("meta.pagination.total_entries")).toBe(before);
    await cloud.post("/lab/limits", Object.fromEntries(Object.keys(limits).map((kind) => [kind, null])));
    expect((await order(cloud, fields)).status).toBe(201);
  },
);

test("limits count what is there: snapshots, primary IPs, firewalls and keys", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  await cloud.post("/lab/limits", { snapshots: 1, primary_ips: 3, firewalls: 0, ssh_keys: 0 });
  const snapshot = () => cloud.post(`/servers/${server}/actions/create_image`, {});
  const ip = (name: string) => cloud.post("/primary_ips", { name, type: "ipv4", location: "fsn1" });
  const first = await snapshot();
  await cloud.cloud.actions.settled();
  expect((await snapshot()).at("error.message")).toBe("snapshot limit exceeded");
  await cloud.delete(`/images/${first.number("image.id")}`);
  expect((await snapshot()).status).toBe(201);
  expect((await ip("a")).status).toBe(201);
  expect((await ip("b")).at("error.message")).toBe("Primary IP limit exceeded");
  expect((await cloud.post("/firewalls", { name: "fw" })).at("error.code")).toBe("resource_limit_exceeded");
  expect((await cloud.delete("/lab/limits")).status).toBe(204);
  expect((await cloud.get("/lab/limits")).at("limits")).toEqual({});
  expect((await cloud.post("/firewalls", { name: "fw" })).status).toBe(201);
});

test("a limit of something unknown, or below zero, is refused", async () => {
  const cloud = await testCloud();
  expect((await cloud.post("/lab/limits", { houses: 1 })).status).toBe(422);
  expect((await cloud.post("/lab/limits", { servers: -1 })).status).toBe(422);
});

test("limits and what is sold out outlive a restart", async () => {
  const folder = mkdtempSync(join(tmpdir(), "supply-"));
  try {
    const stateFile = join(folder, "cloud.json");
    const cloud = await testCloud({ stateFile });
    await cloud.post("/lab/limits", { servers: 1 });
    await cloud.post("/lab/sold-out", { server_type: "cx23", location: "fsn1" });
    const again = await testCloud({ stateFile });
    expect((await again.get("/lab/limits")).at("limits")).toEqual({ servers: 1 });
    expect((await again.get("/lab/sold-out")).at("sold_out")).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
