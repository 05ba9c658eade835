import { beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { orderServer, type TestCloud, testCloud } from "./client.ts";

let cloud: TestCloud;
let id: number;

beforeEach(async () => {
  cloud = await testCloud();
  id = await orderServer(cloud);
});

async function ask(path: string, address = "10.87.12.10"): Promise<{ status: number; text: string }> {
  const response = await cloud.metadata.request(`/by-address/${address}/hetzner/v1${path}`);
  return { status: response.status, text: await response.text() };
}

const inEurope = (ip_range: string) => ({ type: "cloud", network_zone: "eu-central", ip_range });

async function attach(name: string, ip_range: string, subnet: string, fields: object = {}): Promise<number> {
  const body = { name, ip_range, subnets: [inEurope(subnet)] };
  const network = (await cloud.post("/networks", body)).number("network.id");
  await cloud.post(`/servers/${id}/actions/attach_to_network`, { network, ...fields });
  await cloud.cloud.actions.settled();
  return network;
}

test("private networks are told in Hetzner's YAML, in the order the server came into them", async () => {
  const wide = await attach("wide", "192.168.0.0/16", "192.168.7.0/24");
  const net = await attach("net", "10.0.0.0/16", "10.0.1.0/24", {
    ip: "10.0.1.5",
    alias_ips: ["10.0.1.6", "10.0.1.7"],
  });
  const macs = cloud.driver.privateInterfaces.map(({ mac }) => mac);
  expect((await ask("/metadata/private-networks")).text).toBe(
    `- ip: 192.168.7.1
  alias_ips: []
  interface_num: 1
  mac_address: ${macs[0]}
  network_id: ${wide}
  network_name: wide
  network: 192.168.0.0/16
  subnet: 192.168.7.0/24
  gateway: 192.168.0.1
- ip: 10.0.1.5
  alias_ips: [10.0.1.6, 10.0.1.7]
  interface_num: 2
  mac_address: ${macs[1]}
  network_id: ${net}
  network_name: net
  network: 10.0.0.0/16
  subnet: 10.0.1.0/24
  gateway: 10.0.0.1
`,
  );
  expect((await ask("/metadata/local-ipv4")).text).toBe("192.168.7.1");
  expect(parse((await ask("/metadata")).text)["local-ipv4"]).toBe("192.168.7.1");
});

test("a server is known by its floating and its private address, unless others have the same", async () => {
  const floating = await cloud.post("/floating_ips", { type: "ipv4", server: id });
  await cloud.cloud.actions.settled();
  expect((await ask("/metadata/hostname", String(floating.at("floating_ip.ip")))).text).toBe("web");
  await attach("net", "10.0.0.0/16", "10.0.1.0/24");
  expect((await ask("/metadata/hostname", "10.0.1.1")).text).toBe("web");
  const twin = await cloud.post("/networks", {
    name: "twin",
    ip_range: "10.0.0.0/16",
    subnets: [inEurope("10.0.1.0/24")],
  });
  await orderServer(cloud, { name: "two", networks: [twin.number("network.id")] });
  expect((await ask("/metadata/hostname", "10.0.1.1")).status).toBe(404);
});
