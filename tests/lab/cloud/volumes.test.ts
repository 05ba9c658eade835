import { expect, test } from "vitest";
import { code, finished, orderServer, type Reply, type TestCloud, testCloud } from "./client.ts";

const make = async (cloud: TestCloud, fields: object = {}) => {
  const reply = await cloud.post("/volumes", { name: "data", size: 10, location: "fsn1", ...fields });
  await cloud.cloud.actions.settled();
  return reply.number("volume.id");
};
const act = (cloud: TestCloud, id: number, name: string, body?: object) =>
  cloud.post(`/volumes/${id}/actions/${name}`, body);
const read = async (cloud: TestCloud, id: number) => (await cloud.get(`/volumes/${id}`)).at("volume");

test("a volume in a location is made, then available, and hangs on nothing", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/volumes", {
    name: "data",
    size: 42,
    location: "fsn1",
    format: "xfs",
    labels: { a: "b" },
  });
  expect(reply.status).toBe(201);
  expect(reply.at("volume.status")).toBe("creating");
  expect(reply.at("next_actions")).toEqual([]);
  const id = reply.number("volume.id");
  expect(await finished(cloud, reply)).toMatchObject({
    command: "create_volume",
    status: "success",
    resources: [{ id, type: "volume" }],
  });
  expect(await read(cloud, id)).toEqual({
    id,
    name: "data",
    created: expect.any(String),
    status: "available",
    server: null,
    location: expect.objectContaining({ name: "fsn1", network_zone: "eu-central" }),
    size: 42,
    format: "xfs",
    linux_device: `/dev/disk/by-id/scsi-0HC_Volume_${id}`,
    protection: { delete: false },
    labels: { a: "b" },
  });
  expect(cloud.driver.volumes).toEqual([{ id, size: 42, format: "xfs", server: null }]);
  expect((await cloud.get("/volumes?name=data&status=available")).at("volumes.0.id")).toBe(id);
  expect((await cloud.get("/volumes?status=creating")).at("volumes")).toEqual([]);
});

test.each([
  ["neither location nor server", { location: undefined }, "location"],
  ["an unknown location", { location: "mars1" }, "location"],
  ["an unknown server", { location: undefined, server: 99 }, "server"],
  ["nothing to mount it on", { automount: true }, "automount"],
  ["too small a size", { size: 9 }, "size"],
  ["too large a size", { size: 10_241 }, "size"],
  ["half a gigabyte", { size: 10.5 }, "size"],
  ["another file system", { format: "btrfs" }, "format"],
  ["a name that starts with a dot", { name: ".data" }, "name"],
  ["a name of 65 letters", { name: "x".repeat(65) }, "name"],
])("%s is refused at its field", async (_, fields, field) => {
  const cloud = await testCloud();
  const reply = await cloud.post("/volumes", { name: "data", size: 10, location: "fsn1", ...fields });
  expect(code(reply)).toEqual([422, "invalid_input"]);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
  expect((await cloud.get("/volumes")).at("volumes")).toEqual([]);
});

test("a volume ordered for a server is attached to it by a next action, in the server's location", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const reply = await cloud.post("/volumes", {
    name: "data",
    size: 10,
    server,
    automount: true,
    format: "ext4",
  });
  const id = reply.number("volume.id");
  const resources = [
    { id: server, type: "server" },
    { id, type: "volume" },
  ];
  expect(reply.at("next_actions")).toMatchObject([{ command: "attach_volume", resources }]);
  expect(await finished(cloud, reply, "next_actions.0.id")).toMatchObject({ status: "success" });
  expect(await read(cloud, id)).toMatchObject({ server, status: "available", location: { name: "fsn1" } });
  expect((await cloud.get(`/servers/${server}`)).at("server.volumes")).toEqual([id]);
  expect(cloud.driver.volumes).toEqual([{ id, size: 10, format: "ext4", server }]);
});

test("volumes named in a server's order hang on it before it starts", async () => {
  const cloud = await testCloud();
  const volumes = [await make(cloud), await make(cloud, { name: "more" })];
  const reply = await cloud.post("/servers", {
    name: "web",
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    volumes,
    automount: false,
  });
  expect(reply.at("next_actions")).toMatchObject([
    { command: "attach_volume" },
    { command: "attach_volume" },
    { command: "start_server" },
  ]);
  const server = reply.number("server.id");
  // Meanwhile nobody else gets them.
  expect(code(await act(cloud, volumes[0] ?? 0, "attach", { server }))).toEqual([423, "locked"]);
  await cloud.cloud.actions.settled();
  expect((await cloud.get(`/servers/${server}`)).at("server")).toMatchObject({ status: "running", volumes });
  const calls = cloud.driver.calls;
  expect(calls.lastIndexOf("setVolumes")).toBeLessThan(calls.indexOf(`start ${server}`));
});

test.each([
  ["in another location", { location: "nbg1" }, [422, "invalid_input"]],
  ["that hangs on another server", {}, [422, "volume_already_attached"]],
])("a server cannot be ordered with a volume %s", async (_, fields, expected) => {
  const cloud = await testCloud();
  const other = await orderServer(cloud, { name: "other" });
  const volume = await make(cloud, fields);
  if (!("location" in fields)) await finished(cloud, await act(cloud, volume, "attach", { server: other }));
  const order = { name: "web", server_type: "cx23", image: "debian-13", location: "fsn1", volumes: [volume] };
  expect(code(await cloud.post("/servers", order))).toEqual(expected);
  expect((await cloud.get("/servers")).at("servers")).toHaveLength(1);
});

test("a volume is attached, detached, and attached to another server", async () => {
  const cloud = await testCloud();
  const volume = await make(cloud);
  const [one, two] = [await orderServer(cloud), await orderServer(cloud, { name: "two" })];
  expect(await finished(cloud, await act(cloud, volume, "attach", { server: one }))).toMatchObject({
    command: "attach_volume",
    status: "success",
  });
  expect(code(await act(cloud, volume, "attach", { server: two }))).toEqual([422, "volume_already_attached"]);
  expect(code(await cloud.delete(`/volumes/${volume}`))).toEqual([422, "service_error"]);
  expect(await finished(cloud, await act(cloud, volume, "detach"))).toMatchObject({
    command: "detach_volume",
    status: "success",
    resources: [
      { id: one, type: "server" },
      { id: volume, type: "volume" },
    ],
  });
  expect(code(await act(cloud, volume, "detach"))).toEqual([422, "service_error"]);
  expect(cloud.driver.volumes).toMatchObject([{ server: null }]);
  await finished(cloud, await act(cloud, volume, "attach", { server: two }));
  expect(await read(cloud, volume)).toMatchObject({ server: two });
});

test("a volume does not reach a server in another location, or one that is not there", async () => {
  const cloud = await testCloud();
  const volume = await make(cloud);
  const server = await orderServer(cloud, { location: "nbg1" });
  expect(code(await act(cloud, volume, "attach", { server }))).toEqual([422, "invalid_input"]);
  expect(code(await act(cloud, volume, "attach", { server: 99 }))).toEqual([404, "not_found"]);
  const order = { name: "x", size: 10, location: "fsn1", server };
  expect(code(await cloud.post("/volumes", order))).toEqual([422, "invalid_input"]);
});

test("a server is locked while a volume is attached or detached, and attaches none while it is locked", async () => {
  const cloud = await testCloud();
  const [volume, other] = [await make(cloud), await make(cloud, { name: "other" })];
  const server = await orderServer(cloud);
  await cloud.post("/lab/faults", { command: "attach_volume", delay: 30 });
  const attaching = await act(cloud, volume, "attach", { server });
  expect((await cloud.get(`/servers/${server}`)).at("server.locked")).toBe(true);
  expect(code(await act(cloud, other, "attach", { server }))).toEqual([423, "locked"]);
  expect(code(await act(cloud, volume, "resize", { size: 20 }))).toEqual([423, "locked"]);
  expect(code(await cloud.delete(`/volumes/${volume}`))).toEqual([423, "locked"]);
  await finished(cloud, attaching);
  expect((await act(cloud, other, "attach", { server })).status).toBe(201);
});

test("an order for a locked server waits a moment before it says so", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const order = { name: "data", size: 10, server };
  await cloud.post("/lab/faults", { command: "reset_server", delay: 600 });
  await cloud.post(`/servers/${server}/actions/reset`);
  const started = performance.now();
  expect(code(await cloud.post("/volumes", order))).toEqual([423, "locked"]);
  expect(performance.now() - started).toBeGreaterThan(200);
  await cloud.cloud.actions.settled();
  await cloud.post("/lab/faults", { command: "reset_server", delay: 50 });
  await cloud.post(`/servers/${server}/actions/reset`);
  expect((await cloud.post("/volumes", order)).status).toBe(201);
});

test("a volume grows and never shrinks", async () => {
  const cloud = await testCloud();
  const volume = await make(cloud);
  expect(await finished(cloud, await act(cloud, volume, "resize", { size: 20 }))).toMatchObject({
    command: "resize_volume",
    status: "success",
  });
  expect(await read(cloud, volume)).toMatchObject({ size: 20 });
  expect(cloud.driver.volumes).toMatchObject([{ size: 20 }]);
  for (const size of [20, 10, 10_241]) {
    expect(code(await act(cloud, volume, "resize", { size }))).toEqual([422, "invalid_input"]);
  }
});

test("a deleted server leaves its volumes behind", async () => {
  const cloud = await testCloud();
  const volume = await make(cloud);
  const server = await orderServer(cloud, { volumes: [volume] });
  await finished(cloud, await cloud.delete(`/servers/${server}`));
  expect(await read(cloud, volume)).toMatchObject({ server: null, status: "available" });
  expect(cloud.driver.volumes).toMatchObject([{ id: volume, server: null }]);
});

test("protection forbids the deletion; a deleted volume is gone from the driver", async () => {
  const cloud = await testCloud();
  const volume = await make(cloud);
  await finished(cloud, await act(cloud, volume, "change_protection", { delete: true }));
  expect(code(await cloud.delete(`/volumes/${volume}`))).toEqual([423, "protected"]);
  await finished(cloud, await act(cloud, volume, "change_protection", { delete: false }));
  expect((await cloud.delete(`/volumes/${volume}`)).status).toBe(204);
  expect(cloud.driver.volumes).toEqual([]);
});

test("names are unique; names and labels change, the rest stays", async () => {
  const cloud = await testCloud();
  const volume = await make(cloud);
  expect((await cloud.post("/volumes", { name: "data", size: 10, location: "fsn1" })).status).toBe(409);
  expect(
    (await cloud.put(`/volumes/${volume}`, { name: "db", labels: { a: "b" } })).at("volume"),
  ).toMatchObject({
    name: "db",
    labels: { a: "b" },
    size: 10,
  });
});

test("a server has sixteen volumes at most", async () => {
  const cloud = await testCloud();
  const volumes = [];
  for (let i = 0; i < 17; i++) volumes.push(await make(cloud, { name: `v${i}` }));
  const server = await orderServer(cloud, { volumes: volumes.slice(0, 16) });
  const seventeenth = await act(cloud, volumes[16] ?? 0, "attach", { server });
  expect(code(seventeenth)).toEqual([403, "resource_limit_exceeded"]);
});

test("what the driver refuses is taken back", async () => {
  const cloud = await testCloud();
  const fail = () => cloud.driver.failNext("setVolumes", "no loop device");
  const refused = async (reply: Reply, path = "action.id") =>
    expect(await finished(cloud, reply, path)).toMatchObject({
      status: "error",
      error: { message: "no loop device" },
    });
  const server = await orderServer(cloud);

  fail();
  const unmade = await cloud.post("/volumes", { name: "data", size: 10, server });
  await refused(unmade);
  expect(await finished(cloud, unmade, "next_actions.0.id")).toMatchObject({
    error: { message: "create_volume failed: no loop device" },
  });
  expect((await cloud.get("/volumes")).at("volumes")).toEqual([]);

  const volume = await make(cloud);
  fail();
  await refused(await act(cloud, volume, "attach", { server }));
  expect(await read(cloud, volume)).toMatchObject({ server: null });
  await finished(cloud, await act(cloud, volume, "attach", { server }));
  fail();
  await refused(await act(cloud, volume, "resize", { size: 20 }));
  fail();
  await refused(await act(cloud, volume, "detach"));
  expect(await read(cloud, volume)).toMatchObject({ server, size: 10 });
  await finished(cloud, await act(cloud, volume, "detach"));
  fail();
  const kept = await cloud.delete(`/volumes/${volume}`);
  expect(code(kept)).toEqual([422, "service_error"]);
  expect(kept.at("error.message")).toContain("no loop device");
  expect(await read(cloud, volume)).toMatchObject({ id: volume });
});
