import { expect, test } from "vitest";
import { finished, orderServer, type TestCloud, testCloud } from "./client.ts";

const everywhere = ["0.0.0.0/0", "::/0"];
const ssh = { direction: "in", protocol: "tcp", port: "22", source_ips: everywhere };
const http = { direction: "in", protocol: "tcp", port: "80", source_ips: everywhere };

const make = async (cloud: TestCloud, fields: object = {}) =>
  (await cloud.post("/firewalls", { name: "fw", rules: [ssh], ...fields })).number("firewall.id");
const act = async (cloud: TestCloud, id: number, name: string, body: object) => {
  const reply = await cloud.post(`/firewalls/${id}/actions/${name}`, body);
  await cloud.cloud.actions.settled();
  return reply;
};
const onServer = (id: number) => ({ type: "server", server: { id } });
const onLabel = (selector: string) => ({ type: "label_selector", label_selector: { selector } });

test("rules come back with null for what is unset and networks in canonical form", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/firewalls", {
    name: "fw",
    rules: [
      { direction: "in", protocol: "icmp", source_ips: ["2001:DB8:0:0::1/64", "10.1.2.3/8"] },
      {
        direction: "out",
        protocol: "udp",
        port: "53-54",
        destination_ips: ["9.9.9.9/32"],
        description: "dns",
      },
    ],
  });
  expect(reply.status).toBe(201);
  expect(reply.at("actions")).toEqual([]);
  expect(reply.at("firewall")).toMatchObject({ labels: {}, applied_to: [] });
  expect(reply.at("firewall.rules")).toEqual([
    {
      direction: "in",
      protocol: "icmp",
      port: null,
      source_ips: ["2001:db8::/64", "10.0.0.0/8"],
      destination_ips: [],
      description: null,
    },
    {
      direction: "out",
      protocol: "udp",
      port: "53-54",
      source_ips: [],
      destination_ips: ["9.9.9.9/32"],
      description: "dns",
    },
  ]);
});

test.each([
  ["a network without prefix", { ...ssh, source_ips: ["1.2.3.4"] }, "rules.0.source_ips.0"],
  ["no source for in", { ...ssh, source_ips: [] }, "rules.0.source_ips"],
  ["no destination for out", { ...ssh, direction: "out" }, "rules.0.destination_ips"],
  ["tcp without port", { ...ssh, port: undefined }, "rules.0.port"],
  ["a port beyond 65535", { ...ssh, port: "65536" }, "rules.0.port"],
  ["a range upside down", { ...ssh, port: "90-80" }, "rules.0.port"],
  ["icmp with a port", { ...ssh, protocol: "icmp" }, "rules.0.port"],
  ["an unknown protocol", { ...ssh, protocol: "sctp" }, "rules.0.protocol"],
])("%s is refused at %s", async (_, rule, field) => {
  const cloud = await testCloud();
  const reply = await cloud.post("/firewalls", { name: "fw", rules: [rule] });
  expect(reply.status).toBe(422);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
});

test("more than fifty rules are refused", async () => {
  const cloud = await testCloud();
  expect((await cloud.post("/firewalls", { name: "fw", rules: Array(51).fill(ssh) })).status).toBe(422);
  expect((await cloud.post("/firewalls", { name: "fw", rules: Array(50).fill(ssh) })).status).toBe(201);
});

test("a server without a firewall is open; the firewall it is ordered with is in force before it starts", async () => {
  const cloud = await testCloud();
  const open = await orderServer(cloud);
  expect(cloud.driver.firewalls).toEqual([{ id: open, rules: null }]);
  const firewall = await make(cloud);
  cloud.driver.calls.length = 0;
  const guarded = await orderServer(cloud, { name: "two", firewalls: [{ firewall }] });
  expect(cloud.driver.calls.slice(0, 4)).toEqual([
    `create ${guarded}`,
    "setFirewalls",
    "setFirewalls",
    `start ${guarded}`,
  ]);
  expect(cloud.driver.firewalls.find(({ id }) => id === guarded)?.rules).toEqual([
    { direction: "in", protocol: "tcp", port: "22", networks: everywhere },
  ]);
  expect((await cloud.get(`/servers/${guarded}`)).at("server.public_net.firewalls")).toEqual([
    { id: firewall, status: "applied" },
  ]);
  expect((await cloud.get(`/firewalls/${firewall}`)).at("firewall.applied_to")).toEqual([onServer(guarded)]);
});

test("the rules in force are the union of all firewalls of a server, and follow every change", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const ports = () =>
    cloud.driver.firewalls.find(({ id }) => id === server)?.rules?.map(({ port }) => port) ?? null;
  const first = await make(cloud);
  const second = await make(cloud, { name: "two", rules: [http] });
  const applied = await act(cloud, first, "apply_to_resources", { apply_to: [onServer(server)] });
  expect(applied.at("actions")).toMatchObject([
    {
      command: "apply_firewall",
      resources: [
        { id: first, type: "firewall" },
        { id: server, type: "server" },
      ],
    },
  ]);
  expect(ports()).toEqual(["22"]);
  await act(cloud, second, "apply_to_resources", { apply_to: [onServer(server)] });
  expect(ports()).toEqual(["22", "80"]);
  const changed = await act(cloud, first, "set_rules", { rules: [{ ...ssh, port: "2222" }] });
  expect((changed.at("actions") as { command: string }[]).map(({ command }) => command)).toEqual([
    "set_firewall_rules",
    "apply_firewall",
  ]);
  expect(ports()).toEqual(["2222", "80"]);
  await act(cloud, second, "remove_from_resources", { remove_from: [onServer(server)] });
  expect(ports()).toEqual(["2222"]);
  await act(cloud, first, "set_rules", { rules: [] });
  expect(ports()).toEqual([]);
  await act(cloud, first, "remove_from_resources", { remove_from: [onServer(server)] });
  expect(ports()).toBeNull();
});

test("a firewall by label follows the labels of servers", async () => {
  const cloud = await testCloud();
  const firewall = await make(cloud, { apply_to: [onLabel("env=prod")] });
  const server = await orderServer(cloud);
  expect(cloud.driver.firewalls).toEqual([{ id: server, rules: null }]);
  await cloud.put(`/servers/${server}`, { labels: { env: "prod" } });
  expect(cloud.driver.firewalls[0]?.rules).toHaveLength(1);
  expect((await cloud.get(`/firewalls/${firewall}`)).at("firewall.applied_to")).toEqual([
    { ...onLabel("env=prod"), applied_to_resources: [onServer(server)] },
  ]);
  const byName = await act(cloud, firewall, "remove_from_resources", { remove_from: [onServer(server)] });
  expect(byName.at("error.code")).toBe("firewall_managed_by_label_selector");
  await cloud.put(`/servers/${server}`, { labels: {} });
  expect(cloud.driver.firewalls[0]?.rules).toBeNull();
});

test("what cannot be applied or removed is refused with the API's codes", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const firewall = await make(cloud, { apply_to: [onServer(server)] });
  const twice = await act(cloud, firewall, "apply_to_resources", { apply_to: [onServer(server)] });
  expect([twice.status, twice.at("error.code")]).toEqual([422, "firewall_already_applied"]);
  const nowhere = await act(cloud, firewall, "apply_to_resources", { apply_to: [onServer(99)] });
  expect([nowhere.status, nowhere.at("error.code")]).toEqual([404, "firewall_resource_not_found"]);
  const atOrder = await cloud.post("/firewalls", { name: "x", apply_to: [onServer(99)] });
  expect([atOrder.status, atOrder.at("error.code")]).toEqual([422, "firewall_resource_not_found"]);
  const never = await act(cloud, firewall, "remove_from_resources", { remove_from: [onLabel("a=b")] });
  expect([never.status, never.at("error.code")]).toEqual([404, "firewall_resource_not_found"]);
  expect((await act(cloud, firewall, "apply_to_resources", { apply_to: [onLabel("a=b=c")] })).status).toBe(
    422,
  );
});

test.each([[{ apply_to: [] }], [{ apply_to: null }]])(
  "applying to nothing (%j) is no error",
  async (body) => {
    const cloud = await testCloud();
    const reply = await act(cloud, await make(cloud), "apply_to_resources", body);
    expect(reply.status).toBe(201);
    expect(reply.at("actions")).toEqual([]);
  },
);

test("a server has at most five firewalls", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  for (let i = 0; i < 5; i++) await make(cloud, { name: `fw${i}`, apply_to: [onServer(server)] });
  const sixth = await cloud.post("/firewalls", { name: "fw5", apply_to: [onServer(server)] });
  expect([sixth.status, sixth.at("error.code")]).toEqual([403, "resource_limit_exceeded"]);
});

test("a firewall in use cannot be deleted; when its server is gone it can", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const firewall = await make(cloud, { apply_to: [onServer(server)] });
  const used = await cloud.delete(`/firewalls/${firewall}`);
  expect([used.status, used.at("error.code")]).toEqual([422, "resource_in_use"]);
  await finished(cloud, await cloud.delete(`/servers/${server}`));
  expect((await cloud.get(`/firewalls/${firewall}`)).at("firewall.applied_to")).toEqual([]);
  expect((await cloud.delete(`/firewalls/${firewall}`)).status).toBe(204);
});

test("a packet filter that cannot be changed fails the action with the reason", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const firewall = await make(cloud);
  cloud.driver.failNext("setFirewalls", "nft: out of memory");
  const reply = await act(cloud, firewall, "apply_to_resources", { apply_to: [onServer(server)] });
  expect(await finished(cloud, reply, "actions.0.id")).toMatchObject({
    status: "error",
    error: { message: "nft: out of memory" },
  });
});

test("names are unique; names and labels change, rules stay", async () => {
  const cloud = await testCloud();
  const firewall = await make(cloud);
  expect((await cloud.post("/firewalls", { name: "fw" })).status).toBe(409);
  expect(
    (await cloud.put(`/firewalls/${firewall}`, { name: "wall", labels: { a: "b" } })).at("firewall"),
  ).toMatchObject({ name: "wall", labels: { a: "b" }, rules: [{ port: "22" }] });
});
