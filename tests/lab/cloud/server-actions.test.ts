import { expect, test } from "vitest";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const act = (cloud: TestCloud, id: number, name: string, body?: unknown) =>
  cloud.post(`/servers/${id}/actions/${name}`, body);

test("while an action runs the server is locked, and other actions answer 423", async () => {
  const cloud = await testCloud({ driver: new MemoryDriver({ latency: 100 }) });
  const id = await orderServer(cloud);
  const off = await act(cloud, id, "poweroff");
  await expect
    .poll(() => cloud.get(`/servers/${id}`), { interval: 5 })
    .toMatchObject({ body: { server: { locked: true, status: "stopping" } } });
  const second = await act(cloud, id, "poweron");
  expect(second.status).toBe(423);
  expect(second.at("error")).toMatchObject({
    code: "locked",
    message: "cannot perform operation because server is locked",
  });
  expect((await cloud.delete(`/servers/${id}`)).status).toBe(423);
  expect((await cloud.put(`/servers/${id}`, { labels: { a: "b" } })).status).toBe(200);
  expect(await finished(cloud, off)).toMatchObject({ status: "success" });
  expect((await cloud.get(`/servers/${id}`)).at("server")).toMatchObject({ locked: false, status: "off" });
});

test.each([
  ["poweroff", "stop_server", "off", ["stop"]],
  ["poweron", "start_server", "running", []],
  ["reset", "reset_server", "running", ["reset"]],
  ["reboot", "reboot_server", "running", ["shutdown", "start"]],
])("%s of a running server runs %s and leaves it %s", async (name, command, status, calls) => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  cloud.driver.calls.length = 0;
  const reply = await act(cloud, id, name);
  expect(reply.status).toBe(201);
  expect(await finished(cloud, reply)).toMatchObject({ command, status: "success", error: null });
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe(status);
  expect(cloud.driver.calls.filter((call) => call !== "setFirewalls")).toEqual(
    calls.map((call) => `${call} ${id}`),
  );
});

test("shutdown is done when the button was pressed; the server is off when the guest obeyed", async () => {
  const cloud = await testCloud({ driver: new MemoryDriver({ latency: 50 }) });
  const id = await orderServer(cloud);
  expect(await finished(cloud, await act(cloud, id, "shutdown"))).toMatchObject({ status: "success" });
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe("running");
  await expect.poll(async () => (await cloud.get(`/servers/${id}`)).at("server.status")).toBe("off");
});

test("a reboot that the guest ignores ends in an error that says how long it waited", async () => {
  const driver = new MemoryDriver({ obeysShutdown: false });
  const cloud = await testCloud({ driver, shutdownPatience: 0 });
  const id = await orderServer(cloud);
  expect(await finished(cloud, await act(cloud, id, "reboot"))).toMatchObject({
    status: "error",
    error: { code: "timeout", message: "server did not shut down within 0 s" },
  });
  expect((await cloud.get(`/servers/${id}`)).at("server.status")).toBe("running");
});

test("what the driver cannot do fails the action in its words", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  cloud.driver.failNext("stop", "machine 7 does not die");
  expect(await finished(cloud, await act(cloud, id, "poweroff"))).toMatchObject({
    status: "error",
    error: { code: "action_failed", message: "machine 7 does not die" },
  });
  expect((await cloud.get(`/servers/${id}`)).at("server")).toMatchObject({
    status: "running",
    locked: false,
  });
});

test("a rebuild lays the image anew with the old user data, or the new, and starts", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud, { user_data: "old" });
  const reply = await act(cloud, id, "rebuild", { image: "debian-12" });
  expect(reply.at("root_password")).toBeNull();
  expect(await finished(cloud, reply)).toMatchObject({ command: "rebuild_server", status: "success" });
  expect(cloud.driver.machines.get(id)).toMatchObject({
    status: "running",
    spec: { image: "debian-12", userData: "old" },
  });
  expect((await cloud.get(`/servers/${id}`)).at("server.image.name")).toBe("debian-12");
  await finished(cloud, await act(cloud, id, "rebuild", { image: "debian-13", user_data: "new" }));
  expect(cloud.driver.machines.get(id)?.spec.userData).toBe("new");
});

test("a type changes only while the server is off; the disk grows only when asked", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  const running = await act(cloud, id, "change_type", { server_type: "cx33", upgrade_disk: false });
  expect(running.at("error.code")).toBe("server_not_stopped");
  await finished(cloud, await act(cloud, id, "poweroff"));
  const kept = await act(cloud, id, "change_type", { server_type: "cx33", upgrade_disk: false });
  expect(await finished(cloud, kept)).toMatchObject({ command: "change_server_type", status: "success" });
  expect((await cloud.get(`/servers/${id}`)).at("server")).toMatchObject({
    server_type: { name: "cx33" },
    primary_disk_size: 40,
  });
  await finished(cloud, await act(cloud, id, "change_type", { server_type: "cx43", upgrade_disk: true }));
  expect((await cloud.get(`/servers/${id}`)).number("server.primary_disk_size")).toBe(160);
  const smaller = await act(cloud, id, "change_type", { server_type: "cx23", upgrade_disk: false });
  expect(smaller.at("error")).toMatchObject({
    code: "invalid_server_type",
    message: expect.stringContaining("smaller"),
  });
  expect(
    (await act(cloud, id, "change_type", { server_type: "cax11", upgrade_disk: false })).at("error.message"),
  ).toContain("arm");
});

test("a protected server can be neither deleted nor rebuilt; both protections go together", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  expect((await act(cloud, id, "change_protection", { delete: true })).status).toBe(422);
  await finished(cloud, await act(cloud, id, "change_protection", { delete: true, rebuild: true }));
  const refused = await cloud.delete(`/servers/${id}`);
  expect(refused.status).toBe(423);
  expect(refused.at("error.code")).toBe("protected");
  expect((await act(cloud, id, "rebuild", { image: "debian-13" })).at("error.code")).toBe("protected");
  await finished(cloud, await act(cloud, id, "change_protection", { delete: false, rebuild: false }));
  expect((await cloud.delete(`/servers/${id}`)).status).toBe(200);
});

test("reverse names are set, shown in canonical form, and reset", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  const before = await cloud.get(`/servers/${id}`);
  const ipv4 = String(before.at("server.public_net.ipv4.ip"));
  const network = String(before.at("server.public_net.ipv6.ip")).replace("::/64", "");
  await finished(cloud, await act(cloud, id, "change_dns_ptr", { ip: ipv4, dns_ptr: "web.example.org" }));
  await finished(
    cloud,
    await act(cloud, id, "change_dns_ptr", { ip: `${network}:0:0:0:1`, dns_ptr: "six.example.org" }),
  );
  const set = await cloud.get(`/servers/${id}`);
  expect(set.at("server.public_net.ipv4.dns_ptr")).toBe("web.example.org");
  expect(set.at("server.public_net.ipv6.dns_ptr")).toEqual([
    { ip: `${network}::1`, dns_ptr: "six.example.org" },
  ]);
  await finished(cloud, await act(cloud, id, "change_dns_ptr", { ip: ipv4, dns_ptr: null }));
  expect((await cloud.get(`/servers/${id}`)).at("server.public_net.ipv4.dns_ptr")).toBe(
    before.at("server.public_net.ipv4.dns_ptr"),
  );
  expect((await act(cloud, id, "change_dns_ptr", { ip: "192.0.2.1", dns_ptr: "x" })).status).toBe(422);
});

test("backups are a window that comes and goes", async () => {
  const cloud = await testCloud();
  const id = await orderServer(cloud);
  await finished(cloud, await act(cloud, id, "enable_backup"));
  expect((await cloud.get(`/servers/${id}`)).at("server.backup_window")).toBe("22-02");
  await finished(cloud, await act(cloud, id, "disable_backup"));
  expect((await cloud.get(`/servers/${id}`)).at("server.backup_window")).toBeNull();
});
