import { expect, test } from "vitest";
import { act, make, network, onServer, read, web } from "./balancer-calls.ts";
import { code, orderServer, testCloud } from "./client.ts";

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
