import { expect, test } from "vitest";
import { act, make, network, onServer, order, read, web } from "./balancer-calls.ts";
import { code, finished, orderServer, testCloud } from "./client.ts";

test("a load balancer is ordered, shown and run with the lab's addresses", async () => {
  const cloud = await testCloud();
  const reply = await cloud.post("/load_balancers", { ...order, labels: { env: "prod" } });
  expect(reply.status).toBe(201);
  expect(reply.at("load_balancer")).toMatchObject({
    name: "lb",
    labels: { env: "prod" },
    location: { name: "fsn1" },
    load_balancer_type: { name: "lb11" },
    protection: { delete: false },
    algorithm: { type: "round_robin" },
    services: [],
    targets: [],
    private_net: [],
    public_net: {
      enabled: true,
      ipv4: { ip: "10.87.12.10", dns_ptr: "static.10.12.87.10.clients.your-server.de" },
      ipv6: { ip: "fd7a:31c2:9e00:1::1", dns_ptr: null },
    },
  });
  const id = reply.number("load_balancer.id");
  expect(await finished(cloud, reply)).toMatchObject({
    command: "create_load_balancer",
    status: "success",
    resources: [{ id, type: "load_balancer" }],
  });
  expect(cloud.driver.balancers).toEqual([
    {
      id,
      name: "lb",
      ipv4: "10.87.12.10",
      ipv6: "fd7a:31c2:9e00:1::/64",
      mac: expect.stringMatching(/^96:00:/),
      privateInterfaces: [],
      algorithm: "round_robin",
      services: [],
      targets: [],
    },
  ]);
  const server = await orderServer(cloud);
  expect((await cloud.get(`/servers/${server}`)).at("server.public_net.ipv4.ip")).toBe("10.87.12.11");
});

test.each([
  ["neither place", { location: undefined }, "location"],
  ["both places", { network_zone: "eu-central" }, "location"],
  ["an unknown location", { location: "mars" }, "location"],
  ["an unknown zone", { location: undefined, network_zone: "mars" }, "network_zone"],
  ["an unknown type", { load_balancer_type: "lb99" }, "load_balancer_type"],
  ["an unknown network", { network: 7 }, "network"],
  ["a name with a space at its end", { name: "lb " }, "name"],
  ["an unknown algorithm", { algorithm: { type: "random" } }, "algorithm.type"],
  ["a service without ports", { services: [{ protocol: "tcp" }] }, "services.0.listen_port"],
])("%s is refused at %s", async (_, fields, field) => {
  const cloud = await testCloud();
  const reply = await cloud.post("/load_balancers", { ...order, ...fields });
  expect(reply.status).toBe(422);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
  expect(cloud.driver.calls).not.toContain("setBalancers");
});

test("a network zone is a place as well; a name is taken once; protection keeps", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, { location: undefined, network_zone: "us-west" });
  expect(await read(cloud, id, "location.name")).toBe("hil");
  expect(code(await cloud.post("/load_balancers", order))).toEqual([409, "uniqueness_error"]);
  expect(
    (await cloud.put(`/load_balancers/${id}`, { name: "two", labels: { a: "b" } })).at("load_balancer"),
  ).toMatchObject({ name: "two", labels: { a: "b" } });
  await act(cloud, id, "change_protection", { delete: true });
  expect(code(await cloud.delete(`/load_balancers/${id}`))).toEqual([423, "protected"]);
  await act(cloud, id, "change_protection", { delete: false });
  const deleted = await cloud.delete(`/load_balancers/${id}`);
  expect([deleted.status, deleted.at("action.command")]).toEqual([201, "delete_load_balancer"]);
  expect(cloud.driver.balancers).toEqual([]);
  expect((await cloud.get(`/load_balancers/${id}`)).status).toBe(404);
});

test("a type allows so many services and targets, and is changed only to one that fits", async () => {
  const cloud = await testCloud();
  const ports = [1, 2, 3, 4, 5, 6].map((listen_port) => ({
    protocol: "tcp",
    listen_port,
    destination_port: 1,
  }));
  const many = await cloud.post("/load_balancers", { ...order, services: ports });
  expect(code(many)).toEqual([403, "resource_limit_exceeded"]);
  const id = await make(cloud, { services: ports.slice(0, 5) });
  expect(code(await act(cloud, id, "add_service", ports[5]))).toEqual([403, "resource_limit_exceeded"]);
  expect((await act(cloud, id, "change_type", { load_balancer_type: "lb21" })).at("action.command")).toBe(
    "change_load_balancer_type",
  );
  await act(cloud, id, "add_service", ports[5]);
  expect(code(await act(cloud, id, "change_type", { load_balancer_type: "lb11" }))).toEqual([
    422,
    "invalid_load_balancer_type",
  ]);
  expect(await read(cloud, id, "load_balancer_type.name")).toBe("lb21");
});

test("a driver that does not take a change fails its action, and the change is taken back", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, { services: [web] });
  const server = await orderServer(cloud);
  const refuse = () => {
    // Twice: on a slow machine what merely catches up may come before the action.
    for (const _ of [1, 2]) cloud.driver.failNext("setBalancers", "no room");
  };
  for (const [name, body] of [
    ["add_service", { protocol: "tcp", listen_port: 1, destination_port: 1 }],
    ["update_service", { listen_port: 80, destination_port: 9 }],
    ["delete_service", { listen_port: 80 }],
    ["add_target", onServer(server)],
    ["change_algorithm", { type: "least_connections" }],
    ["attach_to_network", { network: await network(cloud) }],
  ] as const) {
    const before = (await cloud.get(`/load_balancers/${id}`)).at("load_balancer");
    refuse();
    const reply = await cloud.post(`/load_balancers/${id}/actions/${name}`, body);
    expect(await finished(cloud, reply), name).toMatchObject({
      status: "error",
      error: { message: "no room" },
    });
    expect((await cloud.get(`/load_balancers/${id}`)).at("load_balancer"), name).toEqual(before);
  }
  refuse();
  const failed = await cloud.post("/load_balancers", { ...order, name: "two" });
  expect(await finished(cloud, failed)).toMatchObject({ status: "error" });
  expect((await cloud.get("/load_balancers?name=two")).at("load_balancers")).toEqual([]);
});

test("names of both addresses are set and reset", async () => {
  const cloud = await testCloud();
  const id = await make(cloud);
  const name = (ip: unknown, dns_ptr: string | null) => act(cloud, id, "change_dns_ptr", { ip, dns_ptr });
  const ipv6 = await read(cloud, id, "public_net.ipv6.ip");
  await name("10.87.12.10", "lb.example.com");
  await name(ipv6, "lb6.example.com");
  expect(await read(cloud, id, "public_net")).toMatchObject({
    ipv4: { dns_ptr: "lb.example.com" },
    ipv6: { dns_ptr: "lb6.example.com" },
  });
  await expect.poll(() => cloud.driver.zones).toHaveLength(2);
  await name("10.87.12.10", null);
  await name(ipv6, null);
  expect(await read(cloud, id, "public_net.ipv6.dns_ptr")).toBeNull();
  expect((await name("10.87.12.11", "x.example.com")).status).toBe(422);
});

test("metrics have the API's series and shape", async () => {
  const cloud = await testCloud({ now: () => new Date("2026-10-05T12:00:00Z") });
  const id = await make(cloud);
  const metrics = (query: string) => cloud.get(`/load_balancers/${id}/metrics?${query}`);
  const span = "start=2026-10-05T11:00:00Z&end=2026-10-05T12:00:00Z";
  const reply = await metrics(`type=open_connections,bandwidth&${span}&step=60`);
  expect(reply.at("metrics")).toMatchObject({ start: "2026-10-05T11:00:00+00:00", step: 60 });
  expect(Object.keys(reply.at("metrics.time_series") as object)).toEqual([
    "open_connections",
    "bandwidth.in",
    "bandwidth.out",
  ]);
  expect((await metrics(span)).status).toBe(422);
  expect((await metrics(`type=cpu&${span}`)).status).toBe(422);
});
