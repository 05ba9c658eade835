import { expect, test } from "vitest";
import { Actions } from "../../../lab/cloud/actions.ts";
import { Faults } from "../../../lab/cloud/faults.ts";
import { Store } from "../../../lab/cloud/store.ts";
import { finished, orderServer, testCloud } from "./client.ts";

test("every id that is asked for comes back, as hcloud-go polls", async () => {
  const cloud = await testCloud();
  const one = await cloud.post("/servers", { name: "one", server_type: "cx23", image: "debian-13" });
  const ids = [one.number("action.id"), one.number("next_actions.0.id")];
  const poll = () => cloud.get(`/actions?id=${ids[0]}&id=${ids[1]}&page=1&sort=status&sort=id`);
  const both = (await poll()).at("actions") as { id: number; status: string }[];
  expect(both.map(({ id }) => id).sort()).toEqual(ids);
  await cloud.cloud.actions.settled();
  expect(((await poll()).at("actions") as { status: string }[]).map(({ status }) => status)).toEqual([
    "success",
    "success",
  ]);
});

test("asking for actions without ids is refused", async () => {
  const reply = await (await testCloud()).get("/actions");
  expect(reply.status).toBe(422);
  expect(reply.at("error.details.fields.0.name")).toBe("id");
});

test("an action has the types clients decode", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/servers", { name: "one", server_type: "cx23", image: "debian-13" });
  const rfc3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
  expect(reply.at("action")).toEqual({
    id: expect.any(Number),
    command: "create_server",
    status: "running",
    progress: 0,
    started: rfc3339,
    finished: null,
    resources: [{ id: reply.number("server.id"), type: "server" }],
    error: null,
  });
  expect(await finished(cloud, reply)).toMatchObject({ status: "success", progress: 100, finished: rfc3339 });
});

test("actions are read below their resource, with filters and sorting", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  const other = await orderServer(cloud, { name: "other" });
  const commands = async (path: string) =>
    ((await cloud.get(path)).at("actions") as { command: string }[]).map(({ command }) => command);
  expect(await commands(`/servers/${id}/actions?sort=command:desc`)).toEqual([
    "start_server",
    "create_server",
  ]);
  expect(await commands("/servers/actions")).toHaveLength(4);
  expect(await commands("/servers/actions?status=error")).toEqual([]);
  const own = (await cloud.get(`/servers/${id}/actions`)).number("actions.0.id");
  expect((await cloud.get(`/servers/actions/${own}`)).at("action.id")).toBe(own);
  expect((await cloud.get(`/servers/${other}/actions/${own}`)).status).toBe(404);
  expect((await cloud.get(`/firewalls/actions/${own}`)).status).toBe(404);
  expect((await cloud.get("/servers/99/actions")).status).toBe(404);
});

test("one that waits for another fails with it, and the lock goes when both are done", async () => {
  const store = new Store(null);
  const actions = new Actions(store, new Faults(), "running");
  const first = actions.start({
    command: "first",
    resources: [],
    locks: 7,
    work: () => Promise.reject(new Error("it broke")),
  });
  const ran: string[] = [];
  const second = actions.start({
    command: "second",
    resources: [],
    locks: 7,
    after: first,
    work: async () => void ran.push("second"),
  });
  expect(actions.isLocked(7)).toBe(true);
  await actions.settled();
  expect(actions.isLocked(7)).toBe(false);
  expect(ran).toEqual([]);
  expect(actions.get(second.id)?.error?.message).toBe("first failed: it broke");
});

test("of finished actions the last thousand are kept", async () => {
  const actions = new Actions(new Store(null), new Faults(), "running");
  for (let i = 0; i < 1005; i++) actions.start({ command: "nothing", resources: [] });
  await actions.settled();
  expect(actions.all()).toHaveLength(1000);
});

test("things with which nothing takes time have no actions to ask for", async () => {
  const cloud = await testCloud();
  expect((await cloud.get("/servers/actions")).status).toBe(200);
  for (const path of ["/ssh_keys/actions", "/placement_groups/actions"]) {
    expect((await cloud.get(path)).at("error.message")).toBe("api route not found");
  }
});
