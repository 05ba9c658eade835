import { expect, test } from "vitest";
import { code, finished, orderServer, type Reply, testCloud } from "./client.ts";
import { act, inEurope, make, onServer, privateNet, range } from "./network-calls.ts";

test("a server ordered into a network is there from the start", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  const server = await orderServer(cloud, { networks: [net] });
  const mac_address = expect.stringMatching(/^86:00(:[0-9a-f]{2}){4}$/);
  expect(await privateNet(cloud, server)).toEqual([
    { network: net, ip: "10.0.1.1", alias_ips: [], mac_address },
  ]);
  expect((await cloud.get(`/networks/${net}`)).at("network.servers")).toEqual([server]);
  expect(cloud.driver.privateInterfaces).toEqual([
    { server, network: net, mac: mac_address, address: "10.0.1.1", aliases: [], range },
  ]);
  const calls = cloud.driver.calls;
  expect(calls.indexOf("setPrivateInterfaces")).toBeLessThan(calls.indexOf(`start ${server}`));
});

test("a server without any public address lives in its network", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  const server = await orderServer(cloud, {
    networks: [net],
    start_after_create: false,
    public_net: { enable_ipv4: false, enable_ipv6: false },
  });
  expect((await cloud.get(`/servers/${server}`)).at("server")).toMatchObject({
    status: "off",
    public_net: { ipv4: null, ipv6: null },
    private_net: [{ ip: "10.0.1.1" }],
  });
  await finished(cloud, await cloud.post(`/servers/${server}/actions/poweron`));
  expect((await cloud.get(`/servers/${server}`)).at("server.status")).toBe("running");
  const stranger = await onServer(cloud, server, "change_dns_ptr", { ip: "10.87.12.10", dns_ptr: null });
  expect(code(stranger)).toEqual([422, "invalid_input"]);
  expect(await finished(cloud, await cloud.delete(`/servers/${server}`))).toMatchObject({
    status: "success",
  });
  expect((await cloud.get(`/networks/${net}`)).at("network.servers")).toEqual([]);
});

test("an order into a network without room takes nothing", async () => {
  const cloud = await testCloud();
  const net = await make(cloud, { subnets: [] });
  const reply = await cloud.post("/servers", {
    name: "web",
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    networks: [net],
  });
  expect(code(reply)).toEqual([422, "no_subnet_available"]);
  expect((await cloud.get("/servers")).at("servers")).toEqual([]);
  expect((await cloud.get("/primary_ips")).at("primary_ips")).toEqual([]);
});

test("a running server is attached with the address it asks for, gets aliases, and is detached", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  const server = await orderServer(cloud);
  const wanted = { network: net, ip: "10.0.1.7", alias_ips: ["10.0.1.8"] };
  expect(await finished(cloud, await onServer(cloud, server, "attach_to_network", wanted))).toMatchObject({
    command: "attach_to_network",
    status: "success",
    resources: [
      { id: server, type: "server" },
      { id: net, type: "network" },
    ],
  });
  expect(await privateNet(cloud, server)).toMatchObject([{ ip: "10.0.1.7", alias_ips: ["10.0.1.8"] }]);
  const again = await onServer(cloud, server, "attach_to_network", { network: net });
  expect(code(again)).toEqual([422, "server_already_attached"]);

  const aliases = { network: net, alias_ips: ["10.0.1.8", "10.0.1.9"] };
  await finished(cloud, await onServer(cloud, server, "change_alias_ips", aliases));
  expect(cloud.driver.privateInterfaces).toMatchObject([
    { address: "10.0.1.7", aliases: ["10.0.1.8", "10.0.1.9"] },
  ]);
  const taken = await onServer(cloud, server, "change_alias_ips", { network: net, alias_ips: ["10.0.1.7"] });
  expect(code(taken)).toEqual([422, "ip_not_available"]);

  await finished(cloud, await onServer(cloud, server, "detach_from_network", { network: net }));
  expect(await privateNet(cloud, server)).toEqual([]);
  expect(cloud.driver.privateInterfaces).toEqual([]);
  const gone = await onServer(cloud, server, "detach_from_network", { network: net });
  expect(code(gone)).toEqual([404, "not_found"]);
});

test.each([
  ["an unknown network", { network: 99 }, [404, "not_found"]],
  ["an address that is taken", { ip: "10.0.1.1" }, [422, "ip_not_available"]],
  ["an address outside of all subnets", { ip: "10.0.7.1" }, [422, "ip_not_available"]],
  ["a subnet that is not there", { ip_range: "10.0.7.0/24" }, [422, "no_subnet_available"]],
  [
    "an alias that is its own address",
    { ip: "10.0.1.5", alias_ips: ["10.0.1.5"] },
    [422, "ip_not_available"],
  ],
  ["no address at all", { ip: "nonsense" }, [422, "invalid_input"]],
])("attaching with %s is refused", async (_, fields, expected) => {
  const cloud = await testCloud();
  const net = await make(cloud);
  await orderServer(cloud, { networks: [net] });
  const second = await orderServer(cloud, { name: "two" });
  const reply = await onServer(cloud, second, "attach_to_network", { network: net, ...fields });
  expect(code(reply)).toEqual(expected);
  expect(await privateNet(cloud, second)).toEqual([]);
});

test("a server in another network zone finds no subnet", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  const server = await orderServer(cloud, { server_type: "ccx13", location: "ash" });
  expect(code(await onServer(cloud, server, "attach_to_network", { network: net }))).toEqual([
    422,
    "no_subnet_available",
  ]);
});

test("a server cannot be in two networks that share addresses, nor in more than three", async () => {
  const cloud = await testCloud();
  const second = (i: number) => ({
    name: `net${i}`,
    ip_range: `10.${i}.0.0/16`,
    subnets: [inEurope(`10.${i}.1.0/24`)],
  });
  const nets = [];
  for (let i = 0; i < 4; i++) nets.push(await make(cloud, second(i)));
  const wide = await make(cloud, { name: "wide", ip_range: "10.0.0.0/8" });
  const server = await orderServer(cloud, { networks: nets.slice(0, 2) });
  expect(code(await onServer(cloud, server, "attach_to_network", { network: wide }))).toEqual([
    422,
    "networks_overlap",
  ]);
  await finished(cloud, await onServer(cloud, server, "attach_to_network", { network: nets[2] }));
  expect(code(await onServer(cloud, server, "attach_to_network", { network: nets[3] }))).toEqual([
    403,
    "resource_limit_exceeded",
  ]);
});

test("what the driver refuses is taken back: attaching, detaching, aliases, a larger range", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  const server = await orderServer(cloud);
  const refused = async (reply: Promise<Reply>) =>
    expect(await finished(cloud, await reply)).toMatchObject({
      status: "error",
      error: { code: "action_failed", message: "no bridge" },
    });
  const fail = () => cloud.driver.failNext("setPrivateInterfaces", "no bridge");

  fail();
  await refused(onServer(cloud, server, "attach_to_network", { network: net }));
  expect(await privateNet(cloud, server)).toEqual([]);
  await finished(cloud, await onServer(cloud, server, "attach_to_network", { network: net }));
  const before = await privateNet(cloud, server);
  fail();
  await refused(onServer(cloud, server, "change_alias_ips", { network: net, alias_ips: ["10.0.1.9"] }));
  fail();
  await refused(onServer(cloud, server, "detach_from_network", { network: net }));
  fail();
  await refused(act(cloud, net, "change_ip_range", { ip_range: "10.0.0.0/15" }));
  expect(await privateNet(cloud, server)).toEqual(before);
  expect((await cloud.get(`/networks/${net}`)).at("network.ip_range")).toBe(range);

  fail();
  expect(code(await cloud.delete(`/networks/${net}`))).toEqual([422, "service_error"]);
  expect(await privateNet(cloud, server)).toEqual(before);
});
