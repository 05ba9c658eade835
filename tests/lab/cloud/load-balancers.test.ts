import { expect, test } from "vitest";
import { threeDigits } from "../../../lab/cloud/balancer-sync.ts";
import { finished, orderServer, type Reply, type TestCloud, testCloud } from "./client.ts";

const order = { name: "lb", load_balancer_type: "lb11", location: "fsn1" };
const make = async (cloud: TestCloud, fields: object = {}) => {
  const reply = await cloud.post("/load_balancers", { ...order, ...fields });
  await cloud.cloud.actions.settled();
  return reply.number("load_balancer.id");
};
const act = async (cloud: TestCloud, id: number, name: string, body: object = {}) => {
  const reply = await cloud.post(`/load_balancers/${id}/actions/${name}`, body);
  await cloud.cloud.actions.settled();
  return reply;
};
const read = async (cloud: TestCloud, id: number, path: string) =>
  (await cloud.get(`/load_balancers/${id}`)).at(`load_balancer.${path}`);
const code = (reply: Reply) => [reply.status, reply.at("error.code")];
const onServer = (id: number, more: object = {}) => ({ type: "server", server: { id }, ...more });
const web = { protocol: "http", listen_port: 80, destination_port: 8080 };
const network = async (cloud: TestCloud, subnets: object[] = []) =>
  (
    await cloud.post("/networks", {
      name: "net",
      ip_range: "10.0.0.0/16",
      subnets: [{ type: "cloud", network_zone: "eu-central", ip_range: "10.0.1.0/24" }, ...subnets],
    })
  ).number("network.id");

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

test("a service gets Hetzner's usual values where nothing is given", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, {
    services: [{ protocol: "tcp", listen_port: 22, destination_port: 2222 }, { protocol: "http" }],
  });
  expect(await read(cloud, id, "services")).toEqual([
    {
      protocol: "tcp",
      listen_port: 22,
      destination_port: 2222,
      proxyprotocol: false,
      health_check: { protocol: "tcp", port: 2222, interval: 15, timeout: 10, retries: 3 },
    },
    {
      protocol: "http",
      listen_port: 80,
      destination_port: 80,
      proxyprotocol: false,
      http: {
        cookie_name: "HCLBSTICKY",
        cookie_lifetime: 300,
        timeout_idle: 50,
        certificates: [],
        redirect_http: false,
        sticky_sessions: false,
      },
      health_check: {
        protocol: "http",
        port: 80,
        interval: 15,
        timeout: 10,
        retries: 3,
        http: { domain: null, path: "/", response: "", status_codes: ["2??", "3??"], tls: false },
      },
    },
  ]);
});

test("services are added, changed field by field, and deleted; the driver follows", async () => {
  const cloud = await testCloud();
  const id = await make(cloud);
  const added = await act(cloud, id, "add_service", {
    ...web,
    http: { sticky_sessions: true, cookie_name: "WHERE", cookie_lifetime: 60 },
    health_check: {
      protocol: "http",
      port: 9,
      http: { path: "/ok", status_codes: ["2*"], domain: "a.example" },
    },
  });
  expect(added.at("action.command")).toBe("add_service");
  expect(cloud.driver.balancers[0]?.services).toEqual([
    {
      listenPort: 80,
      destinationPort: 8080,
      protocol: "http",
      proxyProtocol: false,
      http: {
        cookie: { name: "WHERE", lifetime: 60 },
        redirectHttp: false,
        idleTimeout: 50,
        certificates: [],
      },
      healthCheck: {
        protocol: "http",
        port: 9,
        interval: 15,
        timeout: 10,
        retries: 3,
        http: { domain: "a.example", path: "/ok", response: null, statusCodes: ["2??"], tls: false },
      },
    },
  ]);
  await act(cloud, id, "update_service", {
    listen_port: 80,
    proxyprotocol: true,
    health_check: { retries: 5, http: { domain: null, tls: true } },
  });
  expect(await read(cloud, id, "services.0")).toMatchObject({
    destination_port: 8080,
    proxyprotocol: true,
    http: { cookie_name: "WHERE", sticky_sessions: true },
    health_check: { port: 9, retries: 5, http: { domain: null, path: "/ok", tls: true } },
  });
  await act(cloud, id, "update_service", {
    listen_port: 80,
    protocol: "tcp",
    health_check: { protocol: "tcp" },
  });
  expect(await read(cloud, id, "services.0.http")).toBeUndefined();
  expect(await read(cloud, id, "services.0.health_check.http")).toBeUndefined();
  expect(cloud.driver.balancers[0]?.services[0]).toMatchObject({ http: null, healthCheck: { http: null } });
  expect(code(await act(cloud, id, "delete_service", { listen_port: 81 }))).toEqual([404, "not_found"]);
  expect((await act(cloud, id, "delete_service", { listen_port: 80 })).at("action.command")).toBe(
    "delete_service",
  );
  expect(cloud.driver.balancers[0]?.services).toEqual([]);
});

test.each([
  ["a certificate for http", { ...web, http: { certificates: [1] } }, "http.certificates"],
  ["a redirect for http", { ...web, http: { redirect_http: true } }, "http.redirect_http"],
  ["an unknown certificate", { protocol: "https", http: { certificates: [7] } }, "http.certificates"],
  ["a port beyond 65535", { ...web, listen_port: 65_536 }, "listen_port"],
  ["a short interval", { ...web, health_check: { interval: 2 } }, "health_check.interval"],
  ["many retries", { ...web, health_check: { retries: 6 } }, "health_check.retries"],
  ["a path with a space", { ...web, health_check: { http: { path: "/a b" } } }, "health_check.http.path"],
  ["a short idle timeout", { ...web, http: { timeout_idle: 29 } }, "http.timeout_idle"],
  [
    "a status code of letters",
    { ...web, health_check: { http: { status_codes: ["ok"] } } },
    "health_check.http.status_codes.0",
  ],
])("%s is refused at %s", async (_, service, field) => {
  const cloud = await testCloud();
  const reply = await act(cloud, await make(cloud), "add_service", service);
  expect(reply.status).toBe(422);
  expect(reply.at("error.details.fields.0.name")).toBe(field);
});

test("a source port is used once; a redirect takes port 80 as well", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, { services: [web] });
  const https = { protocol: "https", http: { redirect_http: true } };
  expect(code(await act(cloud, id, "add_service", web))).toEqual([412, "source_port_already_used"]);
  expect(code(await act(cloud, id, "add_service", https))).toEqual([412, "source_port_already_used"]);
  await act(cloud, id, "add_service", { protocol: "https" });
  expect(code(await act(cloud, id, "update_service", { listen_port: 443, ...https }))).toEqual([
    422,
    "source_port_already_used",
  ]);
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

test("a server is a target by its IPv4, by an IPv6 of its own, or by its private address", async () => {
  const cloud = await testCloud();
  const [one, two] = [await orderServer(cloud), await orderServer(cloud, { name: "two" })];
  const net = await network(cloud);
  const id = await make(cloud, { services: [web] });
  const ipv6 = String((await cloud.get(`/servers/${two}`)).at("server.public_net.ipv6.ip")).replace(
    "/64",
    "5",
  );
  await act(cloud, id, "add_target", onServer(one));
  await act(cloud, id, "add_target", { type: "server", server: { id: two, ip: ipv6 } });
  const unknown = [{ listen_port: 80, status: "unknown" }];
  expect(await read(cloud, id, "targets")).toEqual([
    { type: "server", server: { id: one, ip: "10.87.12.10" }, health_status: unknown, use_private_ip: false },
    { type: "server", server: { id: two, ip: ipv6 }, health_status: unknown, use_private_ip: false },
  ]);
  expect(cloud.driver.balancers[0]?.targets.map(({ address }) => address)).toEqual(["10.87.12.10", ipv6]);
  expect((await cloud.get(`/servers/${one}`)).at("server.load_balancers")).toEqual([id]);
  expect(code(await act(cloud, id, "add_target", onServer(one)))).toEqual([422, "target_already_defined"]);
  await act(cloud, id, "remove_target", onServer(one));
  const privately = onServer(one, { use_private_ip: true });
  expect(code(await act(cloud, id, "add_target", privately))).toEqual([
    422,
    "load_balancer_not_attached_to_network",
  ]);
  await act(cloud, id, "attach_to_network", { network: net });
  expect(code(await act(cloud, id, "add_target", privately))).toEqual([
    422,
    "resolve_cloud_private_targets_error",
  ]);
  await cloud.post(`/servers/${one}/actions/attach_to_network`, { network: net });
  await act(cloud, id, "add_target", privately);
  expect(cloud.driver.balancers[0]?.targets.map(({ address }) => address)).toEqual([ipv6, "10.0.1.2"]);
});

test("a server that cannot be reached as asked is refused as a target", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud, { public_net: { enable_ipv4: false, enable_ipv6: true } });
  const id = await make(cloud);
  expect(code(await act(cloud, id, "add_target", onServer(server)))).toEqual([
    422,
    "resolve_cloud_public_targets_error",
  ]);
  const elsewhere = { type: "server", server: { id: server, ip: "2001:db8::1" } };
  expect(code(await act(cloud, id, "add_target", elsewhere))).toEqual([422, "ip_not_assigned_to_server"]);
  expect((await act(cloud, id, "add_target", onServer(9))).at("error.details.fields.0.name")).toBe("server");
  expect(code(await act(cloud, id, "remove_target", onServer(server)))).toEqual([
    422,
    "load_balancer_target_not_found",
  ]);
  expect((await act(cloud, id, "add_target", { type: "ip" })).at("error.details.fields.0.name")).toBe("ip");
});

test("a label selector follows servers as they come, change and go", async () => {
  const cloud = await testCloud();
  const id = await make(cloud, {
    services: [web],
    targets: [{ type: "label_selector", label_selector: { selector: "role=web" } }],
  });
  const addresses = () => cloud.driver.balancers[0]?.targets.map(({ address }) => address);
  expect(addresses()).toEqual([]);
  const one = await orderServer(cloud, { labels: { role: "web" } });
  const two = await orderServer(cloud, { name: "two" });
  await expect.poll(() => addresses()).toHaveLength(1);
  await cloud.put(`/servers/${two}`, { labels: { role: "web" } });
  await expect.poll(() => addresses()).toHaveLength(2);
  const target = (await read(cloud, id, "targets.0")) as object;
  expect(target).toMatchObject({
    type: "label_selector",
    label_selector: { selector: "role=web" },
    use_private_ip: false,
    targets: [{ server: { id: one } }, { server: { id: two } }],
  });
  expect(target).not.toHaveProperty("health_status");
  await cloud.delete(`/servers/${one}`);
  await expect.poll(() => addresses()).toHaveLength(1);
  const bad = await act(cloud, id, "add_target", {
    type: "label_selector",
    label_selector: { selector: "a b" },
  });
  expect(bad.status).toBe(422);
});

test("a deleted server is a target no longer", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const id = await make(cloud, { targets: [onServer(server)] });
  await cloud.delete(`/servers/${server}`);
  await expect.poll(() => cloud.driver.balancers[0]?.targets).toEqual([]);
  expect(await read(cloud, id, "targets")).toEqual([]);
});

test("an IP is a target only where nobody of the cloud has it, inside the lab or behind a vSwitch", async () => {
  const cloud = await testCloud();
  await orderServer(cloud);
  const id = await make(cloud, { services: [web] });
  const add = (ip: string) => act(cloud, id, "add_target", { type: "ip", ip: { ip } });
  expect((await add("10.87.12.99")).status).toBe(201);
  expect(await read(cloud, id, "targets.0")).toEqual({
    type: "ip",
    ip: { ip: "10.87.12.99" },
    health_status: [{ listen_port: 80, status: "unknown" }],
  });
  expect(code(await add("10.87.12.99"))).toEqual([422, "target_already_defined"]);
  expect(code(await add("10.87.12.10"))).toEqual([422, "cloud_resource_ip_not_allowed"]);
  expect(code(await add("fd7a:31c2:9e00:1::9"))).toEqual([422, "cloud_resource_ip_not_allowed"]);
  expect(code(await add("203.0.113.1"))).toEqual([422, "ip_not_owned"]);
  expect(code(await add("web"))).toEqual([422, "invalid_input"]);
  expect(code(await add("10.0.2.9"))).toEqual([422, "load_balancer_not_attached_to_network"]);
  const vswitch = { type: "vswitch", vswitch_id: 5, network_zone: "eu-central", ip_range: "10.0.2.0/24" };
  await act(cloud, id, "attach_to_network", { network: await network(cloud, [vswitch]) });
  expect(code(await add("10.0.3.9"))).toEqual([422, "ip_not_in_vswitch_subnet"]);
  expect((await add("10.0.2.9")).status).toBe(201);
});

test("a load balancer is in one network, and can do without its public interface there", async () => {
  const cloud = await testCloud();
  const net = await network(cloud);
  const id = await make(cloud);
  expect(code(await act(cloud, id, "disable_public_interface"))).toEqual([
    422,
    "load_balancer_not_attached_to_network",
  ]);
  const attached = await act(cloud, id, "attach_to_network", { network: net, ip: "10.0.1.7" });
  expect(attached.at("action")).toMatchObject({
    command: "attach_to_network",
    resources: [
      { id, type: "load_balancer" },
      { id: net, type: "network" },
    ],
  });
  expect(await read(cloud, id, "private_net")).toEqual([{ network: net, ip: "10.0.1.7" }]);
  expect((await cloud.get(`/networks/${net}`)).at("network.load_balancers")).toEqual([id]);
  expect(cloud.driver.balancers[0]?.privateInterfaces).toEqual([
    { network: net, mac: expect.stringMatching(/^86:00:/), address: "10.0.1.7", range: "10.0.0.0/16" },
  ]);
  expect(code(await act(cloud, id, "attach_to_network", { network: net }))).toEqual([
    422,
    "load_balancer_already_attached",
  ]);
  const server = await orderServer(cloud);
  await act(cloud, id, "add_target", onServer(server));
  expect(code(await act(cloud, id, "disable_public_interface"))).toEqual([
    422,
    "targets_without_use_private_ip",
  ]);
  await act(cloud, id, "remove_target", onServer(server));
  await act(cloud, id, "disable_public_interface");
  expect(await read(cloud, id, "public_net.enabled")).toBe(false);
  expect(cloud.driver.balancers[0]).toMatchObject({ ipv4: null, ipv6: null });
  expect(code(await act(cloud, id, "add_target", onServer(server)))).toEqual([
    422,
    "load_balancer_public_interface_disabled",
  ]);
  await act(cloud, id, "enable_public_interface");
  expect(cloud.driver.balancers[0]?.ipv4).toBe(await read(cloud, id, "public_net.ipv4.ip"));
  expect(code(await act(cloud, id, "detach_from_network", { network: 7 }))).toEqual([
    404,
    "load_balancer_not_attached_to_network",
  ]);
  await act(cloud, id, "detach_from_network", { network: net });
  expect(await read(cloud, id, "private_net")).toEqual([]);
  expect(cloud.driver.balancers[0]?.privateInterfaces).toEqual([]);
});

test("a load balancer is ordered into a network, and leaves it when it is deleted", async () => {
  const cloud = await testCloud();
  const net = await network(cloud);
  const id = await make(cloud, { network: net, public_interface: false });
  expect(cloud.driver.balancers[0]).toMatchObject({
    ipv4: null,
    privateInterfaces: [{ address: "10.0.1.1" }],
  });
  const subnet = await cloud.post(`/networks/${net}/actions/delete_subnet`, { ip_range: "10.0.1.0/24" });
  expect(code(subnet)).toEqual([422, "service_error"]);
  await cloud.delete(`/load_balancers/${id}`);
  expect((await cloud.get(`/networks/${net}`)).at("network.load_balancers")).toEqual([]);
  const bare = await cloud.post("/load_balancers", { ...order, public_interface: false });
  expect(code(bare)).toEqual([422, "load_balancer_not_attached_to_network"]);
});

test("health is what the driver sees for each target and service, and unknown where it does not answer", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const id = await make(cloud, {
    services: [web, { protocol: "tcp", listen_port: 22, destination_port: 22 }],
    targets: [onServer(server)],
  });
  cloud.driver.health.set(`${id} 10.87.12.10 80`, "healthy");
  cloud.driver.health.set(`${id} 10.87.12.10 22`, "unhealthy");
  expect(await read(cloud, id, "targets.0.health_status")).toEqual([
    { listen_port: 80, status: "healthy" },
    { listen_port: 22, status: "unhealthy" },
  ]);
  cloud.driver.failNext("balancerHealth", "no haproxy");
  expect(await read(cloud, id, "targets.0.health_status.0.status")).toBe("unknown");
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

test("an IPv4 address that is a target stays with its server", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud, { start_after_create: false });
  const id = await make(cloud, { targets: [onServer(server)] });
  const ip = (await cloud.get(`/servers/${server}`)).at("server.public_net.ipv4.id");
  const unassign = () => cloud.post(`/primary_ips/${ip}/actions/unassign`);
  expect(code(await unassign())).toEqual([422, "server_is_load_balancer_target"]);
  await act(cloud, id, "remove_target", onServer(server));
  expect((await unassign()).status).toBe(201);
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

test.each([
  ["2??", "2??"],
  ["2*", "2??"],
  ["*", "???"],
  ["*4", "??4"],
  ["204", "204"],
])("the status pattern %s is %s to the driver", (given, expected) => {
  expect(threeDigits(given)).toBe(expected);
});
