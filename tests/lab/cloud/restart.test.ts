import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { orderServer, publicKeys, testCloud } from "./client.ts";

let folder: string;
let stateFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cloud-"));
  stateFile = join(folder, "cloud.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a machine driver is after its own restart: the disks are there, everything is off. */
function restarted(before: MemoryDriver): MemoryDriver {
  const after = new MemoryDriver();
  for (const { spec } of before.machines.values()) after.adopt(spec);
  return after;
}

test("everything is there again after a restart, ids go on, and only servers that ran are started", async () => {
  const before = await testCloud({ stateFile });
  await before.post("/ssh_keys", { name: "ada", public_key: publicKeys[0] });
  const firewall = (await before.post("/firewalls", { name: "fw" })).number("firewall.id");
  const running = await orderServer(before, { firewalls: [{ firewall }] });
  const off = await orderServer(before, { name: "off", start_after_create: false });
  const lists = ["ssh_keys", "firewalls", "primary_ips", "servers", "servers/actions"];
  const read = (cloud: typeof before) =>
    Promise.all(lists.map(async (list) => (await cloud.get(`/${list}`)).body));
  const seen = await read(before);

  const after = await testCloud({ stateFile, driver: restarted(before.driver) });
  expect(await read(after)).toEqual(seen);
  expect(after.driver.calls).toEqual(["setFirewalls", "setFirewalls", `start ${running}`]);
  expect(await after.driver.status(off)).toBe("off");
  expect(after.driver.firewalls).toEqual([
    { id: running, rules: [] },
    { id: off, rules: null },
  ]);
  const next = (await after.post("/firewalls", { name: "next" })).number("firewall.id");
  expect(next).toBeGreaterThan(off);
});

test("an answer tells of nothing that is not in the file", async () => {
  const cloud = await testCloud({ stateFile });
  const id = (await cloud.post("/ssh_keys", { name: "ada", public_key: publicKeys[0] })).number("ssh_key.id");
  const state = JSON.parse(readFileSync(stateFile, "utf8"));
  expect(state.collections.ssh_keys[0].id).toBe(id);
  expect(statSync(stateFile).mode & 0o777).toBe(0o600);
});

test("actions cut off by the end of the process are errors after, and their server can be deleted", async () => {
  const driver = new MemoryDriver();
  driver.create = () => new Promise(() => undefined);
  const before = await testCloud({ stateFile, driver });
  const reply = await before.post("/servers", { name: "web", server_type: "cx23", image: "debian-13" });
  const after = await testCloud({ stateFile });
  const action = await after.get(`/actions/${reply.number("action.id")}`);
  expect(action.at("action")).toMatchObject({
    status: "error",
    error: { message: expect.stringContaining("stopped while") },
  });
  const server = await after.get(`/servers/${reply.number("server.id")}`);
  expect(server.at("server")).toMatchObject({ status: "off", locked: false });
  expect((await after.delete(`/servers/${reply.number("server.id")}`)).status).toBe(200);
  await after.cloud.actions.settled();
  expect((await after.get("/servers")).at("servers")).toEqual([]);
});

test("a deletion cut off by the end of the process is brought to its end", async () => {
  const before = await testCloud({ stateFile });
  const id = await orderServer(before);
  const driver = restarted(before.driver);
  const state = JSON.parse(readFileSync(stateFile, "utf8"));
  state.collections.servers[0].status = "deleting";
  writeFileSync(stateFile, JSON.stringify(state));
  const after = await testCloud({ stateFile, driver });
  await after.cloud.actions.settled();
  expect((await after.get(`/servers/${id}`)).status).toBe(404);
  expect(driver.machines.size).toBe(0);
});

test("a server that cannot be started again is off, and the log says which and why", async () => {
  const before = await testCloud({ stateFile });
  const id = await orderServer(before);
  const driver = restarted(before.driver);
  driver.failNext("start", "no loop device");
  const after = await testCloud({ stateFile, driver });
  expect((await after.get(`/servers/${id}`)).at("server.status")).toBe("off");
  expect(after.lines).toEqual([`cloud: server web (${id}) could not be started again: no loop device`]);
});

test("addresses outside the driver's network are named in the log", async () => {
  const before = await testCloud({ stateFile });
  await before.post("/primary_ips", { name: "mine", type: "ipv4", location: "fsn1" });
  const driver = new MemoryDriver({ network: { ipv4: "10.99.0.0/24", ipv6: "fd7a:31c2:9e00::/48" } });
  const after = await testCloud({ stateFile, driver });
  expect(after.lines).toEqual([
    expect.stringContaining("mine has 10.87.12.10, which is not in the lab's network any more"),
  ]);
});

test.each([
  ["is broken", "{", "cannot be read"],
  ["is of another version", '{"version":2}', "is of version 2"],
])("a state file that %s is refused with what to do", async (_, text, message) => {
  writeFileSync(stateFile, text);
  const opening = testCloud({ stateFile });
  await expect(opening).rejects.toThrow(message);
  await expect(opening).rejects.toThrow("npm run lab -- reset");
});

/** A server in a network, with a volume and a floating IP. */
async function furnished() {
  const cloud = await testCloud({ stateFile });
  const subnets = [{ type: "cloud", network_zone: "eu-central", ip_range: "10.0.1.0/24" }];
  const network = await cloud.post("/networks", { name: "net", ip_range: "10.0.0.0/16", subnets });
  const group = await cloud.post("/placement_groups", { name: "pg", type: "spread" });
  const id = await orderServer(cloud, {
    networks: [network.number("network.id")],
    placement_group: group.number("placement_group.id"),
  });
  await cloud.post("/volumes", { name: "data", size: 10, server: id });
  await cloud.post("/floating_ips", { type: "ipv4", server: id });
  await cloud.cloud.actions.settled();
  return { cloud, id };
}

test("networks, volumes, floating IPs and groups are there again, and with the driver before the server starts", async () => {
  const { cloud: before, id } = await furnished();
  const lists = ["networks", "placement_groups", "volumes", "floating_ips", "servers"];
  const read = (cloud: typeof before) =>
    Promise.all(lists.map(async (list) => (await cloud.get(`/${list}`)).body));
  const seen = await read(before);
  const after = await testCloud({ stateFile, driver: restarted(before.driver) });
  expect(await read(after)).toEqual(seen);
  expect(after.driver.calls.slice(0, 3)).toEqual([
    "setPrivateInterfaces",
    "setVolumes",
    "setFloatingAddresses",
  ]);
  const { privateInterfaces, volumes, floating } = before.driver;
  expect(after.driver).toMatchObject({ privateInterfaces, volumes, floating });
  expect(privateInterfaces).toMatchObject([{ server: id }]);
  expect(after.driver.calls).toContain(`start ${id}`);
});

test("what cannot be set up again is named in the log, and the rest starts", async () => {
  const { cloud: before, id } = await furnished();
  const driver = restarted(before.driver);
  driver.failNext("setVolumes", "no loop device");
  const after = await testCloud({ stateFile, driver });
  expect(after.lines).toEqual(["cloud: the volumes could not be set up again: no loop device"]);
  expect((await after.get(`/servers/${id}`)).at("server.status")).toBe("running");
});
