import { expect, test } from "vitest";
import { code, finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const make = async (cloud: TestCloud, fields: object = {}) => {
  const reply = await cloud.post("/floating_ips", {
    type: "ipv4",
    home_location: "fsn1",
    name: "float",
    ...fields,
  });
  await cloud.cloud.actions.settled();
  return reply.number("floating_ip.id");
};
const act = (cloud: TestCloud, id: number, name: string, body?: object) =>
  cloud.post(`/floating_ips/${id}/actions/${name}`, body);
const read = async (cloud: TestCloud, id: number) =>
  (await cloud.get(`/floating_ips/${id}`)).at("floating_ip");
const held = async (cloud: TestCloud, server: number) =>
  (await cloud.get(`/servers/${server}`)).at("server.public_net.floating_ips");

test("a floating IPv4 is a plain address with its default name, assigned to nobody", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/floating_ips", {
    type: "ipv4",
    home_location: "nbg1",
    labels: { a: "b" },
  });
  expect(reply.status).toBe(201);
  expect(reply.at("action")).toBeNull();
  const id = reply.number("floating_ip.id");
  expect(reply.at("floating_ip")).toEqual({
    id,
    name: `floating-ip-${id}`,
    description: null,
    ip: "10.87.12.10",
    type: "ipv4",
    server: null,
    dns_ptr: [{ ip: "10.87.12.10", dns_ptr: "static.10.12.87.10.clients.your-server.de" }],
    home_location: expect.objectContaining({ name: "nbg1" }),
    blocked: false,
    protection: { delete: false },
    labels: { a: "b" },
    created: expect.any(String),
  });
});

test("a floating IPv6 is a /64 in CIDR form, and no address is given out twice", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, { type: "ipv6" });
  expect(await read(cloud, id)).toMatchObject({ ip: "fd7a:31c2:9e00:1::/64", dns_ptr: [] });
  await make(cloud, { name: "four" });
  const server = await orderServer(cloud);
  expect((await cloud.get(`/servers/${server}`)).at("server.public_net")).toMatchObject({
    ipv4: { ip: "10.87.12.11" },
    ipv6: { ip: "fd7a:31c2:9e00:2::/64" },
  });
});

test("addresses that come round again are not those in use", async () => {
  const cloud = await testCloud();
  const kept = await make(cloud);
  const taken = ((await read(cloud, kept)) as { ip: string }).ip;
  for (let i = 0; i < 250; i++) {
    const reply = await cloud.post("/primary_ips", { name: "p", type: "ipv4", location: "fsn1" });
    expect(reply.at("primary_ip.ip")).not.toBe(taken);
    await cloud.delete(`/primary_ips/${reply.number("primary_ip.id")}`);
  }
});

test.each([
  ["neither place nor server", { home_location: undefined }, "home_location"],
  ["an unknown place", { home_location: "mars1" }, "home_location"],
  ["an unknown server", { server: 99 }, "server"],
  ["an unknown type", { type: "ipx" }, "type"],
])("%s is refused at its field", async (_, fields, field) => {
  const cloud = await testCloud();
  const reply = await cloud.post("/floating_ips", { type: "ipv4", home_location: "fsn1", ...fields });
  expect(code(reply)).toEqual([422, "invalid_input"]);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
});

test("one ordered for a server is routed to it, and at home where the server is", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const reply = await cloud.post("/floating_ips", { type: "ipv6", server, name: "float" });
  const id = reply.number("floating_ip.id");
  expect(await finished(cloud, reply)).toMatchObject({
    command: "assign_floating_ip",
    status: "success",
    resources: [
      { id, type: "floating_ip" },
      { id: server, type: "server" },
    ],
  });
  expect(await read(cloud, id)).toMatchObject({ server, home_location: { name: "fsn1" } });
  expect(await held(cloud, server)).toEqual([id]);
  expect(cloud.driver.floating).toEqual([{ ip: "fd7a:31c2:9e00:2::/64", server }]);
});

test("it moves between running servers, also of other locations, in one step", async () => {
  const cloud = await testCloud();
  const id = await make(cloud);
  const [one, two] = [await orderServer(cloud), await orderServer(cloud, { name: "two", location: "hel1" })];
  await finished(cloud, await act(cloud, id, "assign", { server: one }));
  expect(code(await act(cloud, id, "assign", { server: one }))).toEqual([422, "floating_ip_assigned"]);
  await finished(cloud, await act(cloud, id, "assign", { server: two }));
  expect([await held(cloud, one), await held(cloud, two)]).toEqual([[], [id]]);
  expect(cloud.driver.floating).toMatchObject([{ server: two }]);
  expect(code(await act(cloud, id, "assign", { server: 99 }))).toEqual([404, "not_found"]);
  expect(await finished(cloud, await act(cloud, id, "unassign"))).toMatchObject({
    command: "unassign_floating_ip",
    status: "success",
  });
  expect(cloud.driver.floating).toMatchObject([{ server: null }]);
  expect(code(await act(cloud, id, "unassign"))).toEqual([422, "service_error"]);
});

test("one that is assigned cannot be deleted; a deleted server lets go of it", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const id = await make(cloud, { server });
  expect(code(await cloud.delete(`/floating_ips/${id}`))).toEqual([422, "must_be_unassigned"]);
  await finished(cloud, await cloud.delete(`/servers/${server}`));
  expect(await read(cloud, id)).toMatchObject({ server: null });
  expect(cloud.driver.floating).toMatchObject([{ server: null }]);
  expect((await cloud.delete(`/floating_ips/${id}`)).status).toBe(204);
});

test("one assigned before the server has its machine is routed when it has", async () => {
  const cloud = await testCloud();
  const id = await make(cloud);
  await cloud.post("/lab/faults", { command: "create_server", delay: 30 });
  const order = { name: "web", server_type: "cx23", image: "debian-13", location: "fsn1" };
  const server = (await cloud.post("/servers", order)).number("server.id");
  await act(cloud, id, "assign", { server });
  await cloud.cloud.actions.settled();
  expect(cloud.driver.floating).toMatchObject([{ server }]);
});

test("while it moves it is locked", async () => {
  const cloud = await testCloud();
  const id = await make(cloud);
  const server = await orderServer(cloud);
  await cloud.post("/lab/faults", { command: "assign_floating_ip", delay: 30 });
  const moving = await act(cloud, id, "assign", { server });
  expect(code(await act(cloud, id, "unassign"))).toEqual([423, "locked"]);
  await finished(cloud, moving);
});

test("what the driver refuses is taken back", async () => {
  const cloud = await testCloud();
  const id = await make(cloud);
  const [one, two] = [await orderServer(cloud), await orderServer(cloud, { name: "two" })];
  await finished(cloud, await act(cloud, id, "assign", { server: one }));
  for (const [name, body] of [["assign", { server: two }], ["unassign"]] as const) {
    cloud.driver.failNext("setFloatingAddresses", "no route");
    expect(await finished(cloud, await act(cloud, id, name, body))).toMatchObject({
      status: "error",
      error: { message: "no route" },
    });
    expect(await read(cloud, id)).toMatchObject({ server: one });
  }
});

test("reverse names are set and reset, in the whole of a /64, and of own addresses only", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, { type: "ipv6" });
  const name = (ip: string, dns_ptr: string | null) => act(cloud, id, "change_dns_ptr", { ip, dns_ptr });
  await finished(cloud, await name("fd7a:31c2:9e00:1:0::1", "a.example.org"));
  expect(await read(cloud, id)).toMatchObject({
    dns_ptr: [{ ip: "fd7a:31c2:9e00:1::1", dns_ptr: "a.example.org" }],
  });
  expect(code(await name("fd7a:31c2:9e00:2::1", "a.example.org"))).toEqual([422, "invalid_input"]);
  await finished(cloud, await name("fd7a:31c2:9e00:1::1", null));
  expect(await read(cloud, id)).toMatchObject({ dns_ptr: [] });
});

test("protection forbids the deletion; name, description and labels change; names are unique", async () => {
  const cloud = await testCloud();
  const id = await make(cloud);
  await make(cloud, { name: "two" });
  expect((await cloud.put(`/floating_ips/${id}`, { name: "two" })).status).toBe(409);
  expect(
    (await cloud.post("/floating_ips", { name: "two", type: "ipv4", home_location: "fsn1" })).status,
  ).toBe(409);
  const wanted = { name: "one", description: "for the mail", labels: { a: "b" } };
  expect((await cloud.put(`/floating_ips/${id}`, wanted)).at("floating_ip")).toMatchObject(wanted);
  await finished(cloud, await act(cloud, id, "change_protection", { delete: true }));
  expect(code(await cloud.delete(`/floating_ips/${id}`))).toEqual([423, "protected"]);
  await finished(cloud, await act(cloud, id, "change_protection", { delete: false }));
  expect((await cloud.delete(`/floating_ips/${id}`)).status).toBe(204);
});
