import { expect, test } from "vitest";
import { type ImageRecord, imageRecords } from "../../../lab/cloud/image-records.ts";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { dropHalfImages } from "../../../lab/cloud/snapshots.ts";
import { finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const act = (cloud: TestCloud, id: number, name: string, body?: unknown) =>
  cloud.post(`/servers/${id}/actions/${name}`, body);

/** Makes an image of a server and waits until it can be used. */
async function imageOf(cloud: TestCloud, server: number, body: object = {}): Promise<number> {
  const reply = await act(cloud, server, "create_image", body);
  expect(await finished(cloud, reply)).toMatchObject({ status: "success" });
  return reply.number("image.id");
}

const idsOf = async (cloud: TestCloud, query: string) =>
  ((await cloud.get(`/images?${query}`)).at("images") as { id: number }[]).map(({ id }) => id);

test("an image is creating with its server locked, then available with the size the driver tells", async () => {
  const cloud = await testCloud({ driver: new MemoryDriver({ latency: 50 }) });
  const server = await orderServer(cloud);
  const reply = await act(cloud, server, "create_image", { description: "before", labels: { env: "prod" } });
  expect(reply.status).toBe(201);
  const id = reply.number("image.id");
  expect(reply.at("image")).toEqual({
    id,
    type: "snapshot",
    status: "creating",
    name: null,
    description: "before",
    image_size: null,
    disk_size: 40,
    created: expect.stringMatching(/^\d{4}-.*\+00:00$/),
    created_from: { id: server, name: "web" },
    bound_to: null,
    os_flavor: "debian",
    os_version: "13",
    architecture: "x86",
    rapid_deploy: false,
    protection: { delete: false },
    deprecated: null,
    deleted: null,
    labels: { env: "prod" },
  });
  expect((await cloud.get(`/servers/${server}`)).at("server.locked")).toBe(true);
  expect((await cloud.delete(`/images/${id}`)).at("error.code")).toBe("locked");
  expect(
    (await cloud.post("/servers", { name: "two", server_type: "cx23", image: id, location: "fsn1" })).at(
      "error.message",
    ),
  ).toContain("creating");
  expect(await finished(cloud, reply)).toMatchObject({
    command: "create_image",
    status: "success",
    resources: [
      { id: server, type: "server" },
      { id, type: "image" },
    ],
  });
  expect((await cloud.get(`/images/${id}`)).at("image")).toMatchObject({
    status: "available",
    image_size: 0.5,
  });
  expect((await cloud.get(`/images/${id}/actions`)).at("actions.0.command")).toBe("create_image");
});

test("an image that could not be made is gone, whether the driver or a fault kept it", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  cloud.driver.failNext("takeSnapshot", "the disk is full");
  const reply = await act(cloud, server, "create_image", {});
  expect(await finished(cloud, reply)).toMatchObject({
    status: "error",
    error: { code: "action_failed", message: "the disk is full" },
  });
  await cloud.post("/lab/faults", { command: "create_image", code: "server_error" });
  await finished(cloud, await act(cloud, server, "create_image", {}));
  expect(await idsOf(cloud, "type=snapshot")).toEqual([]);
  expect((await cloud.get(`/servers/${server}`)).at("server.locked")).toBe(false);
});

test("servers are ordered and rebuilt from an image, and have its disk", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const id = await imageOf(cloud, server);
  const disk = cloud.driver.machines.get(server)?.disk;
  const second = await orderServer(cloud, { name: "two", image: id });
  expect(cloud.driver.machines.get(second)).toMatchObject({ spec: { image: id }, disk });
  expect((await cloud.get(`/servers/${second}`)).at("server.image")).toMatchObject({ id, type: "snapshot" });
  const third = await orderServer(cloud, { name: "three", image: "debian-12" });
  await finished(cloud, await act(cloud, third, "rebuild", { image: String(id) }));
  expect(cloud.driver.machines.get(third)).toMatchObject({ spec: { image: id }, disk });
});

test.each([
  ["another architecture", { server_type: "cax11" }, "is for x86"],
  ["a smaller disk", { server_type: "cx23" }, "image disk is bigger than server type disk"],
])("an image does not go onto %s", async (_, fields, message) => {
  const cloud = await testCloud();
  const server = await orderServer(cloud, { server_type: "cx33" });
  const id = await imageOf(cloud, server);
  const refused = await cloud.post("/servers", { name: "two", image: id, location: "fsn1", ...fields });
  expect(refused.status).toBe(422);
  expect(refused.at("error.message")).toContain(message);
});

test("description and labels change, and what a PUT leaves out stays", async () => {
  const cloud = await testCloud();
  const id = await imageOf(cloud, await orderServer(cloud), { description: "a", labels: { x: "1" } });
  expect((await cloud.put(`/images/${id}`, { description: "b" })).at("image")).toMatchObject({
    description: "b",
    labels: { x: "1" },
  });
  expect((await cloud.put(`/images/${id}`, { labels: {} })).at("image")).toMatchObject({
    description: "b",
    labels: {},
  });
  expect((await cloud.put(`/images/${id}`, { type: "backup" })).at("error.code")).toBe("invalid_input");
});

test("a protected image is not deleted; unprotected it is, from the driver as well", async () => {
  const cloud = await testCloud();
  const id = await imageOf(cloud, await orderServer(cloud));
  await finished(cloud, await cloud.post(`/images/${id}/actions/change_protection`, { delete: true }));
  const refused = await cloud.delete(`/images/${id}`);
  expect([refused.status, refused.at("error.code")]).toEqual([423, "protected"]);
  expect(cloud.driver.snapshots.has(id)).toBe(true);
  await finished(cloud, await cloud.post(`/images/${id}/actions/change_protection`, { delete: false }));
  expect((await cloud.delete(`/images/${id}`)).status).toBe(204);
  expect(cloud.driver.snapshots.has(id)).toBe(false);
  expect((await cloud.get(`/images/${id}`)).status).toBe(404);
  expect((await cloud.delete(`/images/${id}`)).at("error.code")).toBe("not_found");
});

test("Hetzner's own images are neither changed, deleted nor protected", async () => {
  const cloud = await testCloud();
  const [id] = await idsOf(cloud, "name=debian-13&architecture=x86");
  expect((await cloud.delete(`/images/${id}`)).at("error.code")).toBe("forbidden");
  expect((await cloud.put(`/images/${id}`, { description: "mine" })).status).toBe(403);
  expect(
    (await cloud.post(`/images/${id}/actions/change_protection`, { delete: true })).at("error.code"),
  ).toBe("unsupported_error");
  expect((await cloud.get(`/images/${id}/actions`)).at("actions")).toEqual([]);
});

test("a server shows the image it was made from as deleted, until it has another one", async () => {
  const cloud = await testCloud();
  const id = await imageOf(cloud, await orderServer(cloud));
  const second = await orderServer(cloud, { name: "two", image: id });
  expect((await cloud.delete(`/images/${id}`)).status).toBe(204);
  expect((await cloud.get(`/servers/${second}`)).at("server.image")).toMatchObject({
    id,
    deleted: expect.any(String),
  });
  expect((await act(cloud, second, "rebuild", { image: id })).at("error.message")).toContain("not found");
  expect(await idsOf(cloud, "type=snapshot")).toEqual([]);
  await finished(cloud, await act(cloud, second, "rebuild", { image: "debian-13" }));
  expect(cloud.cloud.store.collection("images").all()).toEqual([]);
});

test("an image the driver cannot forget stays, unavailable, and is deleted by trying again", async () => {
  const cloud = await testCloud();
  const id = await imageOf(cloud, await orderServer(cloud));
  cloud.driver.failNext("removeSnapshot", "busy");
  expect((await cloud.delete(`/images/${id}`)).at("error.code")).toBe("service_error");
  expect((await cloud.get(`/images/${id}`)).at("image.status")).toBe("unavailable");
  expect((await cloud.delete(`/images/${id}`)).status).toBe(204);
});

test("lists filter by type, status, architecture, labels and server, and sort", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  await act(cloud, server, "enable_backup");
  await cloud.cloud.actions.settled();
  const backup = await imageOf(cloud, server, { type: "backup" });
  const one = await imageOf(cloud, server, { labels: { env: "prod" } });
  const two = await imageOf(cloud, server, { labels: { env: "test" } });
  expect(await idsOf(cloud, "type=snapshot")).toEqual([one, two]);
  expect(await idsOf(cloud, "type=snapshot&sort=id:desc")).toEqual([two, one]);
  expect(await idsOf(cloud, "type=snapshot&type=backup&status=available")).toEqual([backup, one, two]);
  expect(await idsOf(cloud, "type=snapshot&status=creating")).toEqual([]);
  expect(await idsOf(cloud, `bound_to=${server}`)).toEqual([backup]);
  expect(await idsOf(cloud, "label_selector=env%3Dprod")).toEqual([one]);
  expect(await idsOf(cloud, "type=snapshot&architecture=arm")).toEqual([]);
  expect(await idsOf(cloud, "name=debian-11")).toEqual([]);
  expect(await idsOf(cloud, "name=debian-11&include_deprecated=True")).toHaveLength(2);
});

test("what was being made when the cloud was killed is dropped when it comes back", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const id = await imageOf(cloud, server);
  const records = imageRecords(cloud.cloud.store);
  records.change(records.get(id) as ImageRecord, { status: "creating" });
  await dropHalfImages(cloud.cloud);
  expect((await cloud.get(`/images/${id}`)).status).toBe(404);
  expect(cloud.driver.calls).toContain(`removeSnapshot ${id}`);
});
