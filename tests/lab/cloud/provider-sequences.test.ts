import { expect, test } from "vitest";
import type { ActionMode } from "../../../lab/cloud/actions.ts";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { publicKeys, type Reply, type TestCloud, testCloud } from "./client.ts";
import { waitFor } from "./wait-for.ts";

/*
 * What the Terraform provider inside @pulumi/hcloud (1.39.1, hcloud-go 2.44) sends, recorded request by request from its runs
 * against this cloud, and what it needs of the answers.
 */

const everywhere = ["0.0.0.0/0", "::/0"];
const icmp = { direction: "in", source_ips: everywhere, protocol: "icmp" };
const ssh = { direction: "in", source_ips: everywhere, protocol: "tcp", port: "22" };
const http = { direction: "in", source_ips: everywhere, protocol: "tcp", port: "80-81" };

/** What the provider decodes into Go numbers and strings, and dereferences without looking. */
function expectServer(reply: Reply, wanted: object): void {
  expect(reply.status).toBeLessThan(300);
  expect(reply.at("server")).toMatchObject({
    id: expect.any(Number),
    status: expect.any(String),
    created: expect.stringMatching(/^\d{4}-.*\+00:00$/),
    server_type: { name: expect.any(String), cores: expect.any(Number), memory: expect.any(Number) },
    location: { id: expect.any(Number), name: "fsn1" },
    image: { id: expect.any(Number), name: "debian-13" },
    public_net: {
      ipv4: { ip: expect.stringMatching(/^[\d.]+$/) },
      ipv6: { ip: expect.stringMatching(/::\/64$/) },
    },
    primary_disk_size: expect.any(Number),
    labels: expect.any(Object),
    ...wanted,
  });
}

async function sshKey(cloud: TestCloud): Promise<number> {
  const body = { name: "key-3d8ef9d", public_key: publicKeys[0], labels: { v: "1" } };
  const created = await cloud.post("/ssh_keys", body);
  expect(created.at("ssh_key")).toMatchObject(body);
  return created.number("ssh_key.id");
}

async function primaryIp(cloud: TestCloud, type: "ipv4" | "ipv6"): Promise<number> {
  const body = { name: `${type}-6da4b0d`, type, labels: {}, auto_delete: false, location: "fsn1" };
  const created = await cloud.post("/primary_ips", body);
  expect(created.status).toBe(201);
  const id = created.number("primary_ip.id");
  expect((await cloud.get(`/primary_ips/${id}`)).at("primary_ip")).toMatchObject({
    ...body,
    location: { name: "fsn1" },
  });
  return id;
}

async function firewall(cloud: TestCloud): Promise<number> {
  const created = await cloud.post("/firewalls", {
    name: "fw-920eecf",
    labels: { v: "1" },
    rules: [icmp, ssh],
  });
  expect(created.at("actions")).toEqual([]);
  const id = created.number("firewall.id");
  const rules = (await cloud.get(`/firewalls/${id}`)).at("firewall.rules");
  // Null, not absent and not "": otherwise the next preview shows a difference.
  expect(rules).toMatchObject([
    { protocol: "icmp", port: null, description: null, destination_ips: [] },
    { protocol: "tcp", port: "22", description: null, destination_ips: [] },
  ]);
  return id;
}

async function server(
  cloud: TestCloud,
  wanted: { key: number; firewall: number; ipv4: number; ipv6: number },
): Promise<number> {
  expect((await cloud.get("/server_types?name=cx23")).at("server_types")).toMatchObject([
    { name: "cx23", architecture: "x86" },
  ]);
  const image = await cloud.get("/images?architecture=x86&include_deprecated=true&name=debian-13");
  expect(image.at("images")).toHaveLength(1);
  expect((await cloud.get(`/ssh_keys/${wanted.key}`)).status).toBe(200);
  const created = await cloud.post("/servers", {
    name: "web-05861ca",
    server_type: "cx23",
    image: image.number("images.0.id"),
    ssh_keys: [wanted.key],
    location: "fsn1",
    user_data: "#cloud-config\n{}\n",
    labels: { v: "1" },
    firewalls: [{ firewall: wanted.firewall }],
    public_net: { enable_ipv4: true, enable_ipv6: true, ipv4: wanted.ipv4, ipv6: wanted.ipv6 },
  });
  const id = created.number("server.id");
  await waitFor(cloud, created, "action");
  await waitFor(cloud, created, "next_actions.0");
  expectServer(await cloud.get(`/servers/${id}`), { status: "running", labels: { v: "1" } });
  return id;
}

test.each<ActionMode>(["running", "instant"])(
  "a stack comes up, changes and goes as the provider drives it (%s)",
  async (actionMode) => {
    const cloud = await testCloud({ actionMode, driver: new MemoryDriver({ latency: 10 }) });
    const key = await sshKey(cloud);
    const ipv4 = await primaryIp(cloud, "ipv4");
    const ipv6 = await primaryIp(cloud, "ipv6");
    const wall = await firewall(cloud);
    const id = await server(cloud, { key, firewall: wall, ipv4, ipv6 });
    expect((await cloud.get(`/servers/${id}`)).at("server.public_net.firewalls")).toEqual([
      { id: wall, status: "applied" },
    ]);

    // Labels and rules.
    expect((await cloud.put(`/primary_ips/${ipv4}`, { labels: { v: "2" } })).at("primary_ip.labels")).toEqual(
      { v: "2" },
    );
    expect((await cloud.put(`/ssh_keys/${key}`, { labels: { v: "2" } })).at("ssh_key.labels")).toEqual({
      v: "2",
    });
    await cloud.get(`/firewalls/${wall}`);
    const rules = await cloud.post(`/firewalls/${wall}/actions/set_rules`, { rules: [icmp, ssh, http] });
    await waitFor(cloud, rules, "actions.0", "actions.1");
    await cloud.put(`/firewalls/${wall}`, { labels: { v: "2" } });
    expect((await cloud.get(`/firewalls/${wall}`)).at("firewall")).toMatchObject({
      labels: { v: "2" },
      rules: [{}, {}, { port: "80-81" }],
    });
    expectServer(await cloud.put(`/servers/${id}`, { labels: { v: "2" } }), { labels: { v: "2" } });

    // Another type: power off, change, and nobody powers on.
    const off = await cloud.post(`/servers/${id}/actions/poweroff`);
    await waitFor(cloud, off, "action");
    const changed = await cloud.post(`/servers/${id}/actions/change_type`, {
      server_type: "cx33",
      upgrade_disk: true,
    });
    await waitFor(cloud, changed, "action");
    expectServer(await cloud.get(`/servers/${id}`), {
      status: "off",
      server_type: { name: "cx33" },
      primary_disk_size: 80,
    });

    // Deletion.
    const deleted = await cloud.delete(`/servers/${id}`);
    expect(deleted.status).toBe(200);
    await waitFor(cloud, deleted, "action");
    expect((await cloud.get(`/servers/${id}`)).at("error.code")).toBe("not_found");
    expect((await cloud.get(`/servers?name=${id}`)).at("servers")).toEqual([]);
    expect((await cloud.delete(`/primary_ips/${ipv4}`)).status).toBe(204);
    expect((await cloud.delete(`/primary_ips/${ipv6}`)).status).toBe(204);
    expect((await cloud.delete(`/ssh_keys/${key}`)).status).toBe(204);
    expect((await cloud.get(`/firewalls/${wall}`)).at("firewall.applied_to")).toEqual([]);
    expect((await cloud.delete(`/firewalls/${wall}`)).status).toBe(204);
  },
);

test("actions that were finished in the answer are never polled in instant mode, and always in running mode", async () => {
  for (const [actionMode, least] of [
    ["instant", 0],
    ["running", 1],
  ] as const) {
    const cloud = await testCloud({ actionMode, driver: new MemoryDriver({ latency: 10 }) });
    const created = await cloud.post("/servers", { name: "web", server_type: "cx23", image: "debian-13" });
    const polls = await waitFor(cloud, created, "action");
    expect(Math.min(polls, 1)).toBe(least);
  }
});

test("a firewall held by a server is taken off it before it is deleted", async () => {
  const cloud = await testCloud();
  const wall = await firewall(cloud);
  const created = await cloud.post("/servers", {
    name: "web",
    server_type: "cx23",
    image: "debian-13",
    firewalls: [{ firewall: wall }],
  });
  await waitFor(cloud, created, "action", "next_actions.0");
  const applied = (await cloud.get(`/firewalls/${wall}`)).at("firewall.applied_to");
  const removed = await cloud.post(`/firewalls/${wall}/actions/remove_from_resources`, {
    remove_from: applied,
  });
  await waitFor(cloud, removed, "actions.0");
  expect((await cloud.delete(`/firewalls/${wall}`)).status).toBe(204);
});

test("an address held by a server is taken off it before it is deleted", async () => {
  const cloud = await testCloud();
  const ipv4 = await primaryIp(cloud, "ipv4");
  const created = await cloud.post("/servers", {
    name: "web",
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    public_net: { ipv4 },
  });
  await waitFor(cloud, created, "action", "next_actions.0");
  const id = created.number("server.id");
  expect((await cloud.get(`/servers/${id}`)).number("server.public_net.ipv4.id")).toBe(ipv4);
  await waitFor(cloud, await cloud.post(`/servers/${id}/actions/poweroff`), "action");
  await waitFor(cloud, await cloud.post(`/primary_ips/${ipv4}/actions/unassign`), "action");
  await waitFor(cloud, await cloud.post(`/servers/${id}/actions/poweron`), "action");
  expect((await cloud.delete(`/primary_ips/${ipv4}`)).status).toBe(204);
  expect((await cloud.get(`/servers/${id}`)).at("server")).toMatchObject({
    status: "running",
    public_net: { ipv4: null },
  });
});

test("whatever is wrong with an order, details is an object with fields, because the provider asserts its type", async () => {
  const cloud = await testCloud();
  for (const [path, body] of [
    ["/servers", { name: "-" }],
    ["/servers", { name: "web", server_type: "cx999", image: 1 }],
    ["/ssh_keys", { name: "k", public_key: "x" }],
    ["/primary_ips", { name: "ip", type: "ipv4" }],
    ["/firewalls", { name: "fw", rules: [{}] }],
  ] as const) {
    const reply = await cloud.post(path, body);
    expect(reply.at("error.code")).toBe("invalid_input");
    expect(Array.isArray(reply.at("error.details.fields"))).toBe(true);
  }
});
