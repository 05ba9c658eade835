import { expect, test } from "vitest";
import { finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const order = async (cloud: TestCloud, type: "ipv4" | "ipv6", fields: object = {}) =>
  (await cloud.post("/primary_ips", { name: `my-${type}`, type, location: "fsn1", ...fields })).number(
    "primary_ip.id",
  );
const act = (cloud: TestCloud, id: number, name: string, body?: unknown) =>
  cloud.post(`/primary_ips/${id}/actions/${name}`, body);

test("a free IPv4 is a plain address with its default name, unassigned", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/primary_ips", {
    name: "a",
    type: "ipv4",
    location: "fsn1",
    auto_delete: false,
  });
  expect(reply.status).toBe(201);
  expect(reply.at("action")).toBeNull();
  expect(reply.at("primary_ip")).toMatchObject({
    type: "ipv4",
    ip: "10.87.12.10",
    labels: {},
    assignee_id: null,
    assignee_type: "unassigned",
    auto_delete: false,
    blocked: false,
    protection: { delete: false },
    location: { name: "fsn1" },
    dns_ptr: [{ ip: "10.87.12.10", dns_ptr: "static.10.12.87.10.clients.your-server.de" }],
  });
});

test("an IPv6 is a /64 in CIDR form", async () => {
  const cloud = await testCloud();
  const id = await order(cloud, "ipv6");
  expect((await cloud.get(`/primary_ips/${id}`)).at("primary_ip")).toMatchObject({
    ip: "fd7a:31c2:9e00:1::/64",
    dns_ptr: [],
  });
  expect((await cloud.get("/primary_ips?ip=fd7a:31c2:9e00:1::/64")).at("primary_ips.0.id")).toBe(id);
});

test.each([
  ["neither place nor server", {}],
  ["both place and server", { location: "fsn1", assignee_id: 1 }],
  ["an unknown place", { location: "mars1" }],
  ["an unknown server", { assignee_id: 99 }],
])("%s is refused with details", async (_, fields) => {
  const cloud = await testCloud();
  const reply = await cloud.post("/primary_ips", { name: "a", type: "ipv4", ...fields });
  expect(reply.status).toBe(422);
  expect(reply.at("error.details.fields.0.name")).toBeTypeOf("string");
});

test("a server takes the addresses it is given and leaves them behind when it goes", async () => {
  const cloud = await testCloud();
  const [ipv4, ipv6] = [await order(cloud, "ipv4"), await order(cloud, "ipv6")];
  const server = await orderServer(cloud, {
    public_net: { enable_ipv4: true, enable_ipv6: true, ipv4, ipv6 },
  });
  expect((await cloud.get(`/servers/${server}`)).at("server.public_net")).toMatchObject({
    ipv4: { id: ipv4, ip: "10.87.12.10" },
    ipv6: { id: ipv6 },
  });
  expect((await cloud.get(`/primary_ips/${ipv4}`)).at("primary_ip")).toMatchObject({
    assignee_id: server,
    assignee_type: "server",
  });
  const held = await cloud.delete(`/primary_ips/${ipv4}`);
  expect(held.status).toBe(422);
  expect(held.at("error.code")).toBe("must_be_unassigned");
  await finished(cloud, await cloud.delete(`/servers/${server}`));
  expect((await cloud.get(`/primary_ips/${ipv4}`)).at("primary_ip.assignee_id")).toBeNull();
  expect((await cloud.delete(`/primary_ips/${ipv4}`)).status).toBe(204);
});

test("addresses made with a server go with it", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  expect((await cloud.get("/primary_ips")).at("primary_ips")).toMatchObject([
    { auto_delete: true, assignee_id: server, name: expect.stringMatching(/^primary_ip-\d+$/) },
    { auto_delete: true, assignee_id: server },
  ]);
  await finished(cloud, await cloud.delete(`/servers/${server}`));
  expect((await cloud.get("/primary_ips")).at("primary_ips")).toEqual([]);
});

test.each([
  ["of another family", "ipv6", { location: "fsn1" }, 412, "primary_ip_version_mismatch"],
  ["in another location", "ipv4", { location: "nbg1" }, 422, "primary_ip_datacenter_mismatch"],
] as const)("an address %s does not fit a server", async (_, type, fields, status, code) => {
  const cloud = await testCloud();
  const ipv4 = await order(cloud, type, fields);
  const reply = await cloud.post("/servers", {
    name: "web",
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    public_net: { ipv4 },
  });
  expect(reply.status).toBe(status);
  expect(reply.at("error.code")).toBe(code);
});

test("an address in use does not fit a second server", async () => {
  const cloud = await testCloud();
  const ipv4 = await order(cloud, "ipv4");
  await orderServer(cloud, { public_net: { ipv4 } });
  const reply = await cloud.post("/servers", {
    name: "two",
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    public_net: { ipv4 },
  });
  expect(reply.at("error.code")).toBe("primary_ip_assigned");
});

test("addresses move between servers that are off, and the machines follow", async () => {
  const cloud = await testCloud();
  const ipv4 = await order(cloud, "ipv4");
  const one = await orderServer(cloud, { public_net: { ipv4 } });
  const two = await orderServer(cloud, {
    name: "two",
    start_after_create: false,
    public_net: { enable_ipv4: false },
  });
  expect((await act(cloud, ipv4, "unassign")).at("error.code")).toBe("server_not_stopped");
  await finished(cloud, await cloud.post(`/servers/${one}/actions/poweroff`));
  expect(await finished(cloud, await act(cloud, ipv4, "unassign"))).toMatchObject({
    command: "unassign_primary_ip",
    status: "success",
    resources: [
      { id: ipv4, type: "primary_ip" },
      { id: one, type: "server" },
    ],
  });
  expect(cloud.driver.machines.get(one)?.spec.ipv4).toBeNull();
  expect(
    await finished(cloud, await act(cloud, ipv4, "assign", { assignee_id: two, assignee_type: "server" })),
  ).toMatchObject({ command: "assign_primary_ip", status: "success" });
  expect(cloud.driver.machines.get(two)?.spec.ipv4).toBe("10.87.12.10");
  const other = await order(cloud, "ipv4", { name: "other" });
  expect(
    (await act(cloud, other, "assign", { assignee_id: two, assignee_type: "server" })).at("error.code"),
  ).toBe("server_has_ipv4");
  expect(
    (await act(cloud, ipv4, "assign", { assignee_id: one, assignee_type: "server" })).at("error.code"),
  ).toBe("primary_ip_already_assigned");
});

test("an assignment the driver cannot follow is taken back", async () => {
  const cloud = await testCloud();
  const ipv4 = await order(cloud, "ipv4");
  const server = await orderServer(cloud, { start_after_create: false, public_net: { enable_ipv4: false } });
  cloud.driver.failNext("configure", "not now");
  expect(
    await finished(cloud, await act(cloud, ipv4, "assign", { assignee_id: server, assignee_type: "server" })),
  ).toMatchObject({ status: "error", error: { message: "not now" } });
  expect((await cloud.get(`/primary_ips/${ipv4}`)).at("primary_ip.assignee_id")).toBeNull();
});

test("an address is ordered for a server that is off", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud, { start_after_create: false, public_net: { enable_ipv4: false } });
  const reply = await cloud.post("/primary_ips", {
    name: "a",
    type: "ipv4",
    assignee_id: server,
    assignee_type: "server",
  });
  expect(reply.at("primary_ip")).toMatchObject({ assignee_id: server, location: { name: "fsn1" } });
  expect(await finished(cloud, reply)).toMatchObject({ status: "success" });
  expect(cloud.driver.machines.get(server)?.spec.ipv4).toBe(reply.at("primary_ip.ip"));
});

test("protection forbids the deletion; names, labels and auto_delete change; names are unique", async () => {
  const cloud = await testCloud();
  const id = await order(cloud, "ipv4");
  await order(cloud, "ipv6");
  expect((await cloud.put(`/primary_ips/${id}`, { name: "my-ipv6" })).status).toBe(409);
  expect(
    (await cloud.put(`/primary_ips/${id}`, { name: "b", labels: { x: "y" }, auto_delete: true })).at(
      "primary_ip",
    ),
  ).toMatchObject({ name: "b", labels: { x: "y" }, auto_delete: true });
  await finished(cloud, await act(cloud, id, "change_protection", { delete: true }));
  const refused = await cloud.delete(`/primary_ips/${id}`);
  expect(refused.status).toBe(423);
  expect(refused.at("error.code")).toBe("protected");
  await finished(cloud, await act(cloud, id, "change_protection", { delete: false }));
  expect((await cloud.delete(`/primary_ips/${id}`)).status).toBe(204);
});

test("a reverse name is set and reset", async () => {
  const cloud = await testCloud();
  const id = await order(cloud, "ipv4");
  await finished(
    cloud,
    await act(cloud, id, "change_dns_ptr", { ip: "10.87.12.10", dns_ptr: "a.example.org" }),
  );
  expect((await cloud.get(`/primary_ips/${id}`)).at("primary_ip.dns_ptr")).toEqual([
    { ip: "10.87.12.10", dns_ptr: "a.example.org" },
  ]);
  await finished(cloud, await act(cloud, id, "change_dns_ptr", { ip: "10.87.12.10", dns_ptr: null }));
  expect((await cloud.get(`/primary_ips/${id}`)).at("primary_ip.dns_ptr.0.dns_ptr")).toContain(
    "your-server.de",
  );
});
