import { expect, test } from "vitest";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { finished, orderServer, publicKeys, testCloud } from "./client.ts";

const least = { name: "web", server_type: "cx23", image: "debian-13", location: "fsn1" };

test("an order answers with a server that is being made, its action and what follows", async () => {
  const cloud = await testCloud();
  const key = await cloud.post("/ssh_keys", { name: "ada", public_key: publicKeys[0] });
  const reply = await cloud.post("/servers", {
    ...least,
    ssh_keys: [key.number("ssh_key.id")],
    user_data: "#cloud-config\n",
    labels: { a: "b" },
  });
  expect(reply.status).toBe(201);
  expect(reply.at("server")).toMatchObject({
    name: "web",
    status: "initializing",
    locked: true,
    labels: { a: "b" },
    private_net: [],
    volumes: [],
    placement_group: null,
    primary_disk_size: 40,
    protection: { delete: false, rebuild: false },
  });
  expect(reply.at("server.server_type.name")).toBe("cx23");
  expect(reply.at("server.location.name")).toBe("fsn1");
  expect(reply.at("server.image.name")).toBe("debian-13");
  expect(reply.at("server.public_net.ipv6.ip")).toMatch(/::\/64$/);
  expect(reply.at("server")).not.toHaveProperty("datacenter");
  expect(reply.at("action")).toMatchObject({ command: "create_server", status: "running", error: null });
  expect(reply.at("next_actions")).toMatchObject([{ command: "start_server", status: "running" }]);

  const id = reply.number("server.id");
  expect(await finished(cloud, reply)).toMatchObject({
    status: "success",
    progress: 100,
    resources: [{ id, type: "server" }],
  });
  expect((await cloud.get(`/servers/${id}`)).at("server")).toMatchObject({
    status: "running",
    locked: false,
  });
  expect(cloud.driver.machines.get(id)?.spec).toMatchObject({
    id,
    name: "web",
    image: "debian-13",
    ipv4: reply.at("server.public_net.ipv4.ip"),
    ipv6: reply.at("server.public_net.ipv6.ip"),
    mac: "96:00:00:00:03:ea",
    sshKeys: [publicKeys[0]],
    userData: "#cloud-config\n",
  });
});

test("in instant mode an order answers when all is done", async () => {
  const cloud = await testCloud({ actionMode: "instant", driver: new MemoryDriver({ latency: 20 }) });
  const reply = await cloud.post("/servers", least);
  expect(reply.at("action.status")).toBe("success");
  expect(reply.at("next_actions.0.status")).toBe("success");
  expect(reply.at("server.status")).toBe("running");
});

test("a server ordered not to start stays off", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud, { start_after_create: false });
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe("off");
  expect(cloud.driver.calls).not.toContain(`start ${id}`);
});

test.each([
  ["an unknown type", { server_type: "cx999" }, "invalid_input", "server type 'cx999' not found"],
  ["an unknown image", { image: "debian-99" }, "invalid_input", "image 'debian-99' not found"],
  ["an unknown location", { location: "mars1" }, "invalid_input", "location 'mars1' not found"],
  ["a type not sold there", { location: "ash" }, "invalid_input", "unsupported location for server type"],
  ["a retired type", { server_type: "cpx11" }, "invalid_input", "unsupported location for server type"],
  [
    "an image of another architecture by id",
    { server_type: "cax11", image: 114690387 },
    "invalid_input",
    "is for x86",
  ],
  ["an unknown key", { ssh_keys: [99] }, "invalid_input", "SSH key '99' not found"],
  [
    "an unknown firewall",
    { firewalls: [{ firewall: 99 }] },
    "invalid_input",
    "firewall with ID '99' not found",
  ],
  ["a bad name", { name: "web_1" }, "invalid_input", "must be a valid host name"],
  ["user data beyond 32 KiB", { user_data: "x".repeat(32 * 1024 + 1) }, "invalid_input", "is too long"],
  ["a datacenter", { location: undefined, datacenter: "fsn1-dc14" }, "invalid_input", "use location"],
  ["an unknown network", { networks: [1] }, "invalid_input", "network with ID '1' not found"],
  ["an unknown volume", { volumes: [1] }, "invalid_input", "volume with ID '1' not found"],
  ["an unknown group", { placement_group: 1 }, "invalid_input", "placement group with ID '1' not found"],
])("%s is refused and nothing is taken", async (_, fields, code, message) => {
  const cloud = await testCloud();
  const reply = await cloud.post("/servers", { ...least, ...fields });
  expect(reply.status).toBe(422);
  expect(reply.at("error.code")).toBe(code);
  expect(reply.at("error.message")).toContain(message);
  expect(reply.at("error.details.fields.0.name")).toBeTypeOf("string");
  expect((await cloud.get("/servers")).at("servers")).toEqual([]);
  expect((await cloud.get("/primary_ips")).at("primary_ips")).toEqual([]);
});

test.each([
  ["another image", { image: "ubuntu-24.04" }],
  ["an arm type", { server_type: "cax11" }],
])("a driver that boots only debian-13 on x86 refuses %s and says so", async (_, fields) => {
  const cloud = await testCloud({ bootable: { images: ["debian-13"], architectures: ["x86"] } });
  const reply = await cloud.post("/servers", { ...least, ...fields });
  expect(reply.status).toBe(412);
  expect(reply.at("error.code")).toBe("resource_unavailable");
  expect(reply.at("error.message")).toContain("the lab has only debian-13 on x86");
  expect((await cloud.post("/servers", least)).status).toBe(201);
});

test("a name is taken until its server is deleted", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  const second = await cloud.post("/servers", { ...least, name: "WEB" });
  expect(second.status).toBe(409);
  expect(second.at("error")).toEqual({
    code: "uniqueness_error",
    message: "server name is already used",
    details: { fields: [{ name: "name" }] },
  });
  await cloud.delete(`/servers/${id}`);
  await cloud.cloud.actions.settled();
  expect((await cloud.post("/servers", least)).status).toBe(201);
});

test("a server that powered itself off shows as off, and one nobody can ask shows as unknown", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  await cloud.driver.stop(id);
  expect((await cloud.get("/servers?status=off")).at("servers.0.id")).toBe(id);
  cloud.driver.failNext("status", "the daemon is gone");
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe("unknown");
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe("off");
});

test("a server whose disk could not be laid is off, and can be deleted", async () => {
  const cloud = await testCloud();
  cloud.driver.failNext("create", "no space left");
  const id = await orderServer(cloud);
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe("off");
  const deleted = await cloud.delete(`/servers/${id}`);
  expect(await finished(cloud, deleted)).toMatchObject({ status: "success" });
  expect((await cloud.get(`/servers/${id}`)).status).toBe(404);
});

test("a server stays readable until its deletion has landed, and its action stays readable after", async () => {
  const cloud = await testCloud({ driver: new MemoryDriver({ latency: 20 }) });
  const id = await orderServer(cloud);
  const reply = await cloud.delete(`/servers/${id}`);
  expect(reply.status).toBe(200);
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe("deleting");
  expect(await finished(cloud, reply)).toMatchObject({ command: "delete_server", status: "success" });
  expect((await cloud.get(`/servers/${id}`)).status).toBe(404);
  expect((await cloud.get(`/servers/${id}/actions/${reply.number("action.id")}`)).at("action.status")).toBe(
    "success",
  );
  expect((await cloud.delete(`/servers/${id}`)).status).toBe(404);
  expect(cloud.driver.machines.size).toBe(0);
});

test("a deletion the driver refuses leaves the server as it was", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  cloud.driver.failNext("remove", "device busy");
  expect(await finished(cloud, await cloud.delete(`/servers/${id}`))).toMatchObject({
    status: "error",
    error: { message: "device busy" },
  });
  expect((await cloud.get(`/servers/${id}`)).at("server")).toMatchObject({
    status: "running",
    locked: false,
  });
});

test("servers are renamed, labelled, and found by name and label", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  await orderServer(cloud, { name: "other" });
  expect(
    (await cloud.put(`/servers/${id}`, { name: "web2", labels: { env: "prod" } })).at("server"),
  ).toMatchObject({ name: "web2", labels: { env: "prod" } });
  expect((await cloud.get("/servers?label_selector=env%3Dprod")).at("servers")).toMatchObject([{ id }]);
  expect((await cloud.get("/servers?name=other")).at("meta.pagination.total_entries")).toBe(1);
  expect((await cloud.put(`/servers/${id}`, { name: "other" })).status).toBe(409);
});

test("a server without public addresses has none", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud, {
    start_after_create: false,
    public_net: { enable_ipv4: false, enable_ipv6: false },
  });
  expect((await cloud.get(`/servers/${id}`)).at("server.public_net")).toMatchObject({
    ipv4: null,
    ipv6: null,
  });
  expect(cloud.driver.machines.get(id)?.spec).toMatchObject({ ipv4: null, ipv6: null });
});
