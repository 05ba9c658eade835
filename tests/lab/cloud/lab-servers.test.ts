import { expect, test } from "vitest";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const interfere = (cloud: TestCloud, body: object) => cloud.post("/lab/interfere", body);
const protect = (cloud: TestCloud, id: number) =>
  cloud.post(`/servers/${id}/actions/change_protection`, { delete: true, rebuild: true });

test("somebody renames and relabels a server, by name or id", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud, { labels: { env: "prod" } });
  expect((await interfere(cloud, { server: "web", do: "rename", name: "mine" })).at("server.name")).toBe(
    "mine",
  );
  await interfere(cloud, { server: id, do: "relabel", labels: { env: "test" } });
  expect((await cloud.get(`/servers/${id}`)).at("server")).toMatchObject({
    name: "mine",
    labels: { env: "test" },
  });
  await orderServer(cloud, { name: "web" });
  expect((await interfere(cloud, { server: "web", do: "rename", name: "mine" })).at("error.code")).toBe(
    "uniqueness_error",
  );
});

test("a relabelled server loses the firewall of a selector", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud, { labels: { env: "prod" } });
  const apply_to = [{ type: "label_selector", label_selector: { selector: "env=prod" } }];
  await cloud.post("/firewalls", { name: "fw", rules: [], apply_to });
  await cloud.cloud.actions.settled();
  expect(cloud.driver.firewalls).toEqual([{ id, rules: [] }]);
  await interfere(cloud, { server: "web", do: "relabel", labels: {} });
  expect(cloud.driver.firewalls).toEqual([{ id, rules: null }]);
});

test("somebody switches a server off and on, and no action tells of it", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  const actions = (await cloud.get(`/servers/${id}/actions`)).at("meta.pagination.total_entries");
  expect((await interfere(cloud, { server: "web", do: "poweroff" })).at("server.status")).toBe("off");
  expect(cloud.driver.machines.get(id)?.status).toBe("off");
  expect((await interfere(cloud, { server: "web", do: "poweron" })).at("server.status")).toBe("running");
  expect((await cloud.get(`/servers/${id}/actions`)).at("meta.pagination.total_entries")).toBe(actions);
});

test("a protected server is deleted all the same, with its backups and addresses", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  await finished(cloud, await cloud.post(`/servers/${id}/actions/enable_backup`));
  await finished(cloud, await cloud.post("/lab/backups", {}), "actions.0.id");
  await finished(cloud, await protect(cloud, id));
  expect((await cloud.delete(`/servers/${id}`)).at("error.code")).toBe("protected");
  const reply = await interfere(cloud, { server: "web", do: "delete" });
  expect([reply.status, reply.at("server")]).toEqual([200, null]);
  expect((await cloud.get(`/servers/${id}`)).status).toBe(404);
  expect((await cloud.get("/primary_ips")).at("primary_ips")).toEqual([]);
  expect(cloud.driver.machines.size + cloud.driver.snapshots.size).toBe(0);
});

test("protection comes and goes without an action", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  await interfere(cloud, { server: id, do: "protect", protect: true });
  expect((await cloud.delete(`/servers/${id}`)).at("error.code")).toBe("protected");
  await interfere(cloud, { server: id, do: "protect", protect: false });
  expect((await cloud.delete(`/servers/${id}`)).status).toBe(200);
});

test("a server deleted while it is being made leaves no machine", async () => {
  const cloud = await testCloud({ driver: new MemoryDriver({ latency: 60 }) });
  const body = { name: "web", server_type: "cx23", image: "debian-13" };
  const id = (await cloud.post("/servers", body)).number("server.id");
  expect((await interfere(cloud, { server: "web", do: "delete" })).status).toBe(200);
  expect((await cloud.get(`/servers/${id}`)).status).toBe(404);
  await cloud.cloud.actions.settled();
  await expect.poll(() => cloud.driver.machines.size).toBe(0);
});

test("what the driver cannot do is answered in its words", async () => {
  const cloud = await testCloud();
  await orderServer(cloud);
  cloud.driver.failNext("stop", "machine 7 does not die");
  expect((await interfere(cloud, { server: "web", do: "poweroff" })).at("error")).toMatchObject({
    code: "service_error",
    message: expect.stringContaining("machine 7 does not die"),
  });
});

test.each([
  ["an unknown server", { server: "nothing", do: "delete" }, "server"],
  ["an unknown deed", { server: "web", do: "paint" }, "do"],
  ["a rename to nothing", { server: "web", do: "rename" }, "name"],
  ["a deed that is not for it", { server: "web", do: "delete", name: "x" }, "body"],
])("%s is refused by field", async (_, body, field) => {
  const cloud = await testCloud();
  await orderServer(cloud);
  const reply = await interfere(cloud, body);
  expect([reply.status, reply.at("error.details.fields.0.name")]).toEqual([422, field]);
});
