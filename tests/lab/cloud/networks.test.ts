import { expect, test } from "vitest";
import { code, finished, orderServer, testCloud } from "./client.ts";
import { act, inEurope, make, onServer, privateNet, range } from "./network-calls.ts";

test("a network comes back as it was ordered, with the gateway of each subnet and no action", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/networks", {
    name: "net",
    ip_range: range,
    labels: { env: "prod" },
    subnets: [
      inEurope("10.0.1.0/24"),
      { ...inEurope("10.0.2.0/24"), type: "vswitch", vswitch_id: 7 },
      inEurope(),
    ],
    routes: [{ destination: "10.100.0.0/24", gateway: "10.0.1.9" }],
    expose_routes_to_vswitch: true,
  });
  expect(reply.status).toBe(201);
  expect(reply.at("action")).toBeUndefined();
  expect(reply.at("network")).toEqual({
    id: expect.any(Number),
    name: "net",
    ip_range: range,
    subnets: [
      {
        type: "cloud",
        ip_range: "10.0.1.0/24",
        network_zone: "eu-central",
        gateway: "10.0.0.1",
        vswitch_id: null,
      },
      {
        type: "vswitch",
        ip_range: "10.0.2.0/24",
        network_zone: "eu-central",
        gateway: "10.0.2.1",
        vswitch_id: 7,
      },
      {
        type: "cloud",
        ip_range: "10.0.0.0/24",
        network_zone: "eu-central",
        gateway: "10.0.0.1",
        vswitch_id: null,
      },
    ],
    routes: [{ destination: "10.100.0.0/24", gateway: "10.0.1.9" }],
    servers: [],
    load_balancers: [],
    protection: { delete: false },
    labels: { env: "prod" },
    created: expect.any(String),
    expose_routes_to_vswitch: true,
  });
  expect((await cloud.get("/networks?name=net&label_selector=env")).at("networks.0")).toEqual(
    reply.at("network"),
  );
  expect((await cloud.get("/networks?name=other")).at("networks")).toEqual([]);
});

test.each([
  ["a public range", { ip_range: "8.8.8.0/24" }, "ip_range"],
  ["too small a range", { ip_range: "10.0.0.0/25" }, "ip_range"],
  [
    "subnets that overlap",
    { subnets: [inEurope("10.0.1.0/24"), inEurope("10.0.1.0/25")] },
    "subnets.ip_range",
  ],
  [
    "a route into a subnet",
    { routes: [{ destination: "10.0.1.0/25", gateway: "10.0.1.9" }] },
    "routes.destination",
  ],
  ["no name", { name: undefined }, "name"],
])("%s is refused at its field, and nothing is kept", async (_, fields, field) => {
  const cloud = await testCloud();
  const body = { name: "net", ip_range: range, subnets: [inEurope("10.0.1.0/24")], ...fields };
  const reply = await cloud.post("/networks", body);
  expect(code(reply)).toEqual([422, "invalid_input"]);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
  expect((await cloud.get("/networks")).at("networks")).toEqual([]);
});

test("subnets and routes come and go by actions", async () => {
  const cloud = await testCloud();
  const net = await make(cloud, { subnets: [] });
  const read = async () => (await cloud.get(`/networks/${net}`)).at("network");
  expect(await finished(cloud, await act(cloud, net, "add_subnet", inEurope("10.0.1.0/24")))).toMatchObject({
    command: "add_subnet",
    status: "success",
    resources: [{ id: net, type: "network" }],
  });
  const route = { destination: "10.100.0.0/24", gateway: "10.0.1.9" };
  await finished(cloud, await act(cloud, net, "add_route", route));
  expect(await read()).toMatchObject({ subnets: [{ ip_range: "10.0.1.0/24" }], routes: [route] });
  expect(code(await act(cloud, net, "add_subnet", inEurope("10.0.1.0/25")))).toEqual([422, "invalid_input"]);
  expect(code(await act(cloud, net, "add_route", route))).toEqual([422, "invalid_input"]);
  expect(code(await act(cloud, net, "delete_subnet", { ip_range: "10.0.3.0/24" }))).toEqual([
    404,
    "not_found",
  ]);
  expect(code(await act(cloud, net, "delete_route", { ...route, gateway: "10.0.1.8" }))).toEqual([
    404,
    "not_found",
  ]);
  await finished(cloud, await act(cloud, net, "delete_route", route));
  await finished(cloud, await act(cloud, net, "delete_subnet", { ip_range: "10.0.1.0/24" }));
  expect(await read()).toMatchObject({ subnets: [], routes: [] });
});

test("a vSwitch is coupled with one network", async () => {
  const cloud = await testCloud();
  const coupled = (ip_range: string) => ({ ...inEurope(ip_range), type: "vswitch", vswitch_id: 7 });
  await make(cloud, { subnets: [coupled("10.0.1.0/24")] });
  const other = await make(cloud, { name: "other" });
  expect(code(await act(cloud, other, "add_subnet", coupled("10.0.3.0/24")))).toEqual([
    422,
    "vswitch_id_already_used",
  ]);
});

test("while one change runs another one is a conflict, which clients repeat", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  await cloud.post("/lab/faults", { command: "add_subnet", delay: 30 });
  const first = await act(cloud, net, "add_subnet", inEurope());
  expect(code(await act(cloud, net, "add_subnet", inEurope()))).toEqual([409, "conflict"]);
  expect(code(await cloud.put(`/networks/${net}`, { name: "x" }))).toEqual([409, "conflict"]);
  expect(code(await cloud.delete(`/networks/${net}`))).toEqual([409, "conflict"]);
  await finished(cloud, first);
  expect((await act(cloud, net, "add_subnet", inEurope())).status).toBe(201);
});

test("a change whose action fails is taken back", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  await cloud.post("/lab/faults", { command: "add_subnet", code: "action_failed" });
  expect(await finished(cloud, await act(cloud, net, "add_subnet", inEurope()))).toMatchObject({
    status: "error",
  });
  expect((await cloud.get(`/networks/${net}`)).at("network.subnets")).toHaveLength(1);
});

test("the range grows and the servers' interfaces with it", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  const server = await orderServer(cloud, { networks: [net] });
  await finished(cloud, await act(cloud, net, "change_ip_range", { ip_range: "10.0.0.0/15" }));
  expect((await cloud.get(`/networks/${net}`)).at("network.ip_range")).toBe("10.0.0.0/15");
  expect(cloud.driver.privateInterfaces).toMatchObject([{ server, range: "10.0.0.0/15" }]);
  expect(code(await act(cloud, net, "change_ip_range", { ip_range: "10.0.0.0/16" }))).toEqual([
    422,
    "invalid_input",
  ]);
  const other = await make(cloud, {
    name: "other",
    ip_range: "10.2.0.0/16",
    subnets: [inEurope("10.2.1.0/24")],
  });
  await finished(cloud, await onServer(cloud, server, "attach_to_network", { network: other }));
  expect(code(await act(cloud, net, "change_ip_range", { ip_range: "10.0.0.0/14" }))).toEqual([
    422,
    "networks_overlap",
  ]);
});

test("names are unique; name, labels and the exposure of routes change, the rest stays", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  expect((await cloud.post("/networks", { name: "net", ip_range: range })).status).toBe(409);
  const wanted = { name: "lan", labels: { a: "b" }, expose_routes_to_vswitch: true };
  expect((await cloud.put(`/networks/${net}`, wanted)).at("network")).toMatchObject({
    ...wanted,
    ip_range: range,
    subnets: [{ ip_range: "10.0.1.0/24" }],
  });
});

test("protection forbids the deletion", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  await finished(cloud, await act(cloud, net, "change_protection", { delete: true }));
  expect(code(await cloud.delete(`/networks/${net}`))).toEqual([423, "protected"]);
  await finished(cloud, await act(cloud, net, "change_protection", { delete: false }));
  expect((await cloud.delete(`/networks/${net}`)).status).toBe(204);
});

test("a subnet with servers in it stays, in the words the provider waits on", async () => {
  const cloud = await testCloud();
  const net = await make(cloud);
  const server = await orderServer(cloud, { networks: [net] });
  const refused = await act(cloud, net, "delete_subnet", { ip_range: "10.0.1.0/24" });
  expect(code(refused)).toEqual([422, "service_error"]);
  expect(refused.at("error.message")).toContain("servers are attached");
  await finished(cloud, await cloud.delete(`/servers/${server}`));
  expect((await act(cloud, net, "delete_subnet", { ip_range: "10.0.1.0/24" })).status).toBe(201);
});

test("servers leave a network that is deleted, and a deleted server leaves its networks", async () => {
  const cloud = await testCloud();
  const [one, two] = [
    await make(cloud),
    await make(cloud, { name: "two", ip_range: "192.168.0.0/16", subnets: [inEurope("192.168.1.0/24")] }),
  ];
  const server = await orderServer(cloud, { networks: [one, two] });
  expect((await cloud.delete(`/networks/${one}`)).status).toBe(204);
  expect(await privateNet(cloud, server)).toMatchObject([{ network: two }]);
  expect(cloud.driver.privateInterfaces).toMatchObject([{ network: two }]);
  await finished(cloud, await cloud.delete(`/servers/${server}`));
  expect((await cloud.get(`/networks/${two}`)).at("network.servers")).toEqual([]);
  expect(cloud.driver.privateInterfaces).toEqual([]);
});

test("a lab without networks never asks the driver for one", async () => {
  const cloud = await testCloud();
  await make(cloud);
  await finished(cloud, await cloud.delete(`/servers/${await orderServer(cloud)}`));
  const unasked = ["setPrivateInterfaces", "setVolumes", "setFloatingAddresses"];
  expect(cloud.driver.calls.filter((call) => unasked.includes(call))).toEqual([]);
});

test("the members of a network are listed with their addresses, filtered and sorted", async () => {
  const cloud = await testCloud();
  const network = (await cloud.post("/networks", { name: "net", ip_range: "10.0.0.0/16" })).number(
    "network.id",
  );
  for (const ip_range of ["10.0.1.0/24", "10.0.2.0/24"]) {
    const subnet = { type: "cloud", network_zone: "eu-central", ip_range };
    await cloud.post(`/networks/${network}/actions/add_subnet`, subnet);
    await cloud.cloud.actions.settled();
  }
  const first = await orderServer(cloud, { networks: [network] });
  const second = await orderServer(cloud, { name: "two" });
  const place = { network, ip: "10.0.2.9", alias_ips: ["10.0.2.10"] };
  await cloud.post(`/servers/${second}/actions/attach_to_network`, place);
  const members = async (query = "") =>
    (await cloud.get(`/networks/${network}/members${query}`)).at("members");
  expect(await members("?status=attaching")).toMatchObject([{ id: second }]);
  await cloud.cloud.actions.settled();
  expect(await members("?sort=ip:desc")).toEqual([
    {
      id: second,
      type: "server",
      ip: "10.0.2.9",
      alias_ips: ["10.0.2.10"],
      subnet: "10.0.2.0/24",
      status: "ok",
    },
    { id: first, type: "server", ip: "10.0.1.1", alias_ips: [], subnet: "10.0.1.0/24", status: "ok" },
  ]);
  expect(await members("?subnet=10.0.1.0/24&type=server")).toMatchObject([{ id: first }]);
  expect(await members("?type=load_balancer")).toEqual([]);
  expect((await cloud.get("/networks/4711/members")).status).toBe(404);
});
