import { expect, test } from "vitest";
import { finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const act = (cloud: TestCloud, id: number, name: string, body?: unknown) =>
  cloud.post(`/servers/${id}/actions/${name}`, body);

const backupsOf = async (cloud: TestCloud, server: number) =>
  ((await cloud.get(`/images?bound_to=${server}`)).at("images") as { id: number }[]).map(({ id }) => id);

async function nightly(cloud: TestCloud, body: object = {}): Promise<unknown> {
  const reply = await cloud.post("/lab/backups", body);
  expect(reply.status).toBe(201);
  await cloud.cloud.actions.settled();
  return reply.at("actions");
}

async function withBackups(cloud: TestCloud, name = "web"): Promise<number> {
  const server = await orderServer(cloud, { name });
  await finished(cloud, await act(cloud, server, "enable_backup"));
  return server;
}

test("a backup is refused while backups are not enabled", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const refused = await act(cloud, server, "create_image", { type: "backup" });
  expect(refused.at("error")).toMatchObject({
    code: "invalid_input",
    details: { fields: [{ name: "type" }] },
  });
  expect((await cloud.post("/lab/backups", { server: "web" })).status).toBe(422);
});

test("the nightly backup is of every server that has them on, and bound to it", async () => {
  const cloud = await testCloud();
  const server = await withBackups(cloud);
  await orderServer(cloud, { name: "plain" });
  expect(await nightly(cloud)).toMatchObject([{ command: "create_image" }]);
  const [id] = await backupsOf(cloud, server);
  expect((await cloud.get(`/images/${id}`)).at("image")).toMatchObject({
    type: "backup",
    status: "available",
    bound_to: server,
    created_from: { id: server, name: "web" },
  });
  expect(
    (await cloud.post(`/images/${id}/actions/change_protection`, { delete: true })).at("error.code"),
  ).toBe("unsupported_error");
});

test("the eighth backup takes the place of the oldest, and snapshots are not counted", async () => {
  const cloud = await testCloud();
  const server = await withBackups(cloud);
  await finished(cloud, await act(cloud, server, "create_image", {}));
  for (let night = 1; night <= 7; night++) await nightly(cloud, { server });
  const week = await backupsOf(cloud, server);
  expect(week).toHaveLength(7);
  await nightly(cloud, { server });
  const next = await backupsOf(cloud, server);
  expect(next.slice(0, 6)).toEqual(week.slice(1));
  expect(cloud.driver.snapshots.has(week[0] ?? 0)).toBe(false);
  expect(cloud.driver.snapshots.size).toBe(8);
});

test("switching backups off deletes them; what was made a snapshot before stays", async () => {
  const cloud = await testCloud();
  const server = await withBackups(cloud);
  await nightly(cloud);
  await nightly(cloud);
  const [kept = 0, lost = 0] = await backupsOf(cloud, server);
  expect((await cloud.put(`/images/${kept}`, { type: "snapshot" })).at("image")).toMatchObject({
    type: "snapshot",
    bound_to: null,
  });
  await finished(cloud, await act(cloud, server, "disable_backup"));
  expect((await cloud.get(`/servers/${server}`)).at("server.backup_window")).toBeNull();
  expect((await cloud.get(`/images/${lost}`)).status).toBe(404);
  expect([...cloud.driver.snapshots.keys()]).toEqual([kept]);
});

test("a deleted server takes its backups along, and leaves its snapshots", async () => {
  const cloud = await testCloud();
  const server = await withBackups(cloud);
  const other = await withBackups(cloud, "other");
  const snapshot = (await act(cloud, server, "create_image", {})).number("image.id");
  await cloud.cloud.actions.settled();
  await nightly(cloud);
  const lost = await backupsOf(cloud, server);
  await cloud.delete(`/servers/${server}`);
  await cloud.cloud.actions.settled();
  expect(lost).toHaveLength(1);
  expect(await backupsOf(cloud, server)).toEqual([]);
  expect([...cloud.driver.snapshots.keys()]).toEqual([snapshot, ...(await backupsOf(cloud, other))]);
});
