import { expect, test } from "vitest";
import { code, finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const make = async (cloud: TestCloud, fields: object = {}) =>
  (await cloud.post("/placement_groups", { name: "pg", type: "spread", ...fields })).number(
    "placement_group.id",
  );
const onServer = (cloud: TestCloud, id: number, name: string, body?: object) =>
  cloud.post(`/servers/${id}/actions/${name}`, body);
const members = async (cloud: TestCloud, group: number) =>
  (await cloud.get(`/placement_groups/${group}`)).at("placement_group.servers");

test("a group comes back as it was ordered, without an action", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/placement_groups", { name: "pg", type: "spread", labels: { a: "b" } });
  expect(reply.status).toBe(201);
  expect(reply.body).toEqual({
    placement_group: {
      id: expect.any(Number),
      name: "pg",
      type: "spread",
      labels: { a: "b" },
      servers: [],
      created: expect.any(String),
    },
    action: null,
  });
  expect((await cloud.get("/placement_groups?name=pg&type=spread")).at("placement_groups")).toHaveLength(1);
  expect((await cloud.get("/placement_groups?name=other")).at("placement_groups")).toEqual([]);
});

test("only spread groups exist, names are unique, names and labels change", async () => {
  const cloud = await testCloud();
  const group = await make(cloud);
  expect(code(await cloud.post("/placement_groups", { name: "x", type: "pack" }))).toEqual([
    422,
    "invalid_input",
  ]);
  expect((await cloud.post("/placement_groups", { name: "pg", type: "spread" })).status).toBe(409);
  expect(
    (await cloud.put(`/placement_groups/${group}`, { name: "grp", labels: { x: "y" } })).at(
      "placement_group",
    ),
  ).toMatchObject({ name: "grp", labels: { x: "y" }, type: "spread" });
});

test("a server ordered into a group shows it, and leaves it when it is deleted", async () => {
  const cloud = await testCloud();
  const group = await make(cloud);
  const server = await orderServer(cloud, { placement_group: group });
  expect((await cloud.get(`/servers/${server}`)).at("server.placement_group")).toMatchObject({
    id: group,
    name: "pg",
    type: "spread",
    servers: [server],
  });
  expect(code(await cloud.delete(`/placement_groups/${group}`))).toEqual([422, "resource_in_use"]);
  await finished(cloud, await cloud.delete(`/servers/${server}`));
  expect(await members(cloud, group)).toEqual([]);
  expect((await cloud.delete(`/placement_groups/${group}`)).status).toBe(204);
});

test("a server that is off joins a group, and one that runs leaves it", async () => {
  const cloud = await testCloud();
  const [group, other] = [await make(cloud), await make(cloud, { name: "other" })];
  const server = await orderServer(cloud);
  const join = (id: number) => onServer(cloud, server, "add_to_placement_group", { placement_group: id });
  expect(code(await join(group))).toEqual([422, "server_not_stopped"]);
  await finished(cloud, await onServer(cloud, server, "poweroff"));
  expect(code(await join(99))).toEqual([404, "not_found"]);
  expect(await finished(cloud, await join(group))).toMatchObject({
    command: "add_to_placement_group",
    status: "success",
    resources: [
      { id: server, type: "server" },
      { id: group, type: "placement_group" },
    ],
  });
  expect(await members(cloud, group)).toEqual([server]);
  expect(code(await join(other))).toEqual([422, "already_in_placement_group"]);
  await finished(cloud, await onServer(cloud, server, "poweron"));
  await finished(cloud, await onServer(cloud, server, "remove_from_placement_group"));
  expect(await members(cloud, group)).toEqual([]);
  expect(code(await onServer(cloud, server, "remove_from_placement_group"))).toEqual([422, "service_error"]);
});

test("an action that fails leaves the server where it was", async () => {
  const cloud = await testCloud();
  const group = await make(cloud);
  const server = await orderServer(cloud, { start_after_create: false });
  const fail = (command: string) => cloud.post("/lab/faults", { command, code: "action_failed" });
  await fail("add_to_placement_group");
  await finished(cloud, await onServer(cloud, server, "add_to_placement_group", { placement_group: group }));
  expect(await members(cloud, group)).toEqual([]);
  await finished(cloud, await onServer(cloud, server, "add_to_placement_group", { placement_group: group }));
  await fail("remove_from_placement_group");
  await finished(cloud, await onServer(cloud, server, "remove_from_placement_group"));
  expect(await members(cloud, group)).toEqual([server]);
});

test("a group has ten servers at most, and the eleventh order takes nothing", async () => {
  const cloud = await testCloud();
  const group = await make(cloud);
  for (let i = 0; i < 10; i++) await orderServer(cloud, { name: `s${i}`, placement_group: group });
  const order = {
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    name: "s10",
    placement_group: group,
  };
  const eleventh = await cloud.post("/servers", order);
  expect(code(eleventh)).toEqual([422, "placement_group_member_limit_reached"]);
  expect((await cloud.get("/servers")).at("servers")).toHaveLength(10);
  const alone = await orderServer(cloud, { name: "s10", start_after_create: false });
  const late = await onServer(cloud, alone, "add_to_placement_group", { placement_group: group });
  expect(code(late)).toEqual([422, "placement_group_member_limit_reached"]);
});
