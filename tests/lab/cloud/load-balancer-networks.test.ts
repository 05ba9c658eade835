import { expect, test } from "vitest";
import { act, make, network, onServer, order, read } from "./balancer-calls.ts";
import { code, orderServer, testCloud } from "./client.ts";

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
