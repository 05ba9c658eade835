import { expect, test } from "vitest";
import { finished, orderServer, publicKeys, type TestCloud, testCloud } from "./client.ts";

const act = (cloud: TestCloud, id: number, name: string, body?: unknown) =>
  cloud.post(`/servers/${id}/actions/${name}`, body);

const view = async (cloud: TestCloud, id: number) => (await cloud.get(`/servers/${id}`)).at("server");

async function enableRescue(cloud: TestCloud, server: number, body: object = {}) {
  const reply = await act(cloud, server, "enable_rescue", body);
  expect(await finished(cloud, reply)).toMatchObject({ command: "enable_rescue", status: "success" });
  return reply;
}

test("the rescue system gets the keys named and is shown until the next boot", async () => {
  const cloud = await testCloud();
  const key = (await cloud.post("/ssh_keys", { name: "ada", public_key: publicKeys[0] })).number(
    "ssh_key.id",
  );
  const server = await orderServer(cloud);
  const reply = await enableRescue(cloud, server, { type: "linux64", ssh_keys: [key] });
  expect(reply.at("root_password")).toMatch(/^[\w-]{20}$/);
  expect(await view(cloud, server)).toMatchObject({ rescue_enabled: true, status: "running" });
  expect(cloud.driver.rescue.get(server)).toEqual({ sshKeys: [publicKeys[0]] });
});

test.each(["reset", "reboot", "poweroff, poweron"])("%s boots the rescue system, once", async (names) => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  await enableRescue(cloud, server);
  for (const name of names.split(", ")) await finished(cloud, await act(cloud, server, name));
  expect(cloud.driver.machines.get(server)?.booted).toBe("rescue");
  expect(await view(cloud, server)).toMatchObject({ rescue_enabled: false, status: "running" });
  await finished(cloud, await act(cloud, server, "reset"));
  expect(cloud.driver.machines.get(server)?.booted).toBe("disk");
});

test("taken back, the rescue system does not boot", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  await enableRescue(cloud, server);
  await finished(cloud, await act(cloud, server, "disable_rescue"));
  expect(await view(cloud, server)).toMatchObject({ rescue_enabled: false });
  await finished(cloud, await act(cloud, server, "reset"));
  expect(cloud.driver.machines.get(server)?.booted).toBe("disk");
});

test("after an hour without a boot the rescue system is off", async () => {
  let now = Date.parse("2026-09-01T00:00:00Z");
  const cloud = await testCloud({ now: () => new Date(now) });
  const server = await orderServer(cloud);
  await enableRescue(cloud, server);
  now += 61 * 60 * 1000;
  expect(await view(cloud, server)).toMatchObject({ rescue_enabled: false });
  await finished(cloud, await act(cloud, server, "reset"));
  expect(cloud.driver.machines.get(server)?.booted).toBe("disk");
});

test.each([
  ["an unknown key", { ssh_keys: [1] }, "ssh_keys"],
  ["another system", { type: "freebsd64" }, "type"],
])("a rescue system with %s is refused", async (_, body, field) => {
  const cloud = await testCloud();
  const reply = await act(cloud, await orderServer(cloud), "enable_rescue", body);
  expect(reply.at("error")).toMatchObject({ code: "invalid_input", details: { fields: [{ name: field }] } });
});

test("a password is promised as the API does, and its action says that the lab sets none", async () => {
  const cloud = await testCloud();
  const reply = await act(cloud, await orderServer(cloud), "reset_password");
  expect(reply.at("root_password")).toBeTypeOf("string");
  expect(await finished(cloud, reply)).toMatchObject({
    status: "error",
    error: { code: "action_failed", message: expect.stringContaining("SSH key") },
  });
});

test("a console is answered with an address that can never exist", async () => {
  const cloud = await testCloud();
  const reply = await act(cloud, await orderServer(cloud), "request_console");
  expect(new URL(String(reply.at("wss_url"))).hostname).toMatch(/\.invalid$/);
  expect(reply.at("password")).toBeTypeOf("string");
});

test("a disc is put in by name or id, shown whole, and taken out", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  await finished(cloud, await act(cloud, server, "attach_iso", { iso: "hcloud-v1-11-2-amd64.iso" }));
  const { body } = await cloud.get("/isos/122630");
  expect(await view(cloud, server)).toMatchObject({ iso: (body as { iso: object }).iso });
  await finished(cloud, await act(cloud, server, "attach_iso", { iso: 910_000_003 }));
  expect(await view(cloud, server)).toMatchObject({ iso: { name: "netboot.xyz-multiarch.iso" } });
  await finished(cloud, await act(cloud, server, "detach_iso"));
  expect(await view(cloud, server)).toMatchObject({ iso: null });
  expect(await finished(cloud, await act(cloud, server, "detach_iso"))).toMatchObject({ status: "success" });
});

test.each([
  ["nothing.iso", "not found"],
  ["hcloud-v1-11-2-arm64.iso", "is for arm"],
])("the disc %s is refused: %s", async (iso, message) => {
  const cloud = await testCloud();
  const reply = await act(cloud, await orderServer(cloud), "attach_iso", { iso });
  expect(reply.at("error")).toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining(message),
  });
});

test("discs are listed by name and architecture, those for every architecture only when asked for", async () => {
  const cloud = await testCloud();
  const names = async (query: string) =>
    ((await cloud.get(`/isos?${query}`)).at("isos") as { architecture: string | null }[]).map(
      ({ architecture }) => architecture,
    );
  expect(await names("architecture=arm")).toEqual(["arm", "arm"]);
  expect(await names("architecture=arm&include_architecture_wildcard=True")).toEqual(["arm", "arm", null]);
  expect(await names("architecture=arm&include_wildcard_architecture=true")).toEqual(["arm", "arm", null]);
  expect(await names("name=hcloud-v1-11-2-arm64.iso")).toEqual(["arm"]);
  expect((await cloud.get("/isos")).at("meta.pagination.total_entries")).toBe(6);
  expect((await cloud.get("/isos/1")).status).toBe(404);
});
