import { beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { orderServer, publicKeys, type TestCloud, testCloud } from "./client.ts";

let cloud: TestCloud;
let id: number;

beforeEach(async () => {
  cloud = await testCloud();
  const key = (await cloud.post("/ssh_keys", { name: "ada", public_key: publicKeys[0] })).number(
    "ssh_key.id",
  );
  id = await orderServer(cloud, { ssh_keys: [key], user_data: "#cloud-config\nruncmd: []\n" });
});

async function ask(path: string, address = "10.87.12.10"): Promise<{ status: number; text: string }> {
  const response = await cloud.metadata.request(`/by-address/${address}/hetzner/v1${path}`);
  return { status: response.status, text: await response.text() };
}

test.each([
  ["/metadata/hostname", () => "web"],
  ["/metadata/instance-id", () => String(id)],
  ["/metadata/public-ipv4", () => "10.87.12.10"],
  ["/metadata/region", () => "eu-central"],
  ["/metadata/availability-zone", () => "fsn1-dc14"],
  ["/metadata/public-keys", () => publicKeys[0]],
  ["/metadata/private-networks", () => ""],
  ["/userdata", () => "#cloud-config\nruncmd: []\n"],
])("%s is told as plain text", async (path, expected) => {
  expect(await ask(path)).toEqual({ status: 200, text: expected() });
});

test("the whole metadata is YAML with the network configuration", async () => {
  const data = parse((await ask("/metadata")).text);
  expect(data).toMatchObject({ hostname: "web", "instance-id": id, "public-keys": [publicKeys[0]] });
  expect(data["network-config"].config[0].subnets).toEqual([
    { type: "dhcp", ipv4: true },
    { type: "static", ipv6: true, address: "fd7a:31c2:9e00:1::1/64", gateway: "fe80::1" },
  ]);
});

test("a cloud-init seed tells id, name, keys and user data, and nothing about the network", async () => {
  const seed = async (file: string) =>
    await (await cloud.metadata.request(`/by-address/10.87.12.10/lab/v1/${file}`)).text();
  expect(parse(await seed("meta-data"))).toEqual({
    "instance-id": String(id),
    "local-hostname": "web",
    "public-keys": [publicKeys[0]],
  });
  expect(await seed("user-data")).toBe("#cloud-config\nruncmd: []\n");
  expect([await seed("vendor-data"), await seed("network-config")]).toEqual(["", ""]);
  expect((await cloud.metadata.request("/by-address/10.87.12.10/lab/v1/more")).status).toBe(404);
  expect((await cloud.metadata.request("/by-address/10.87.12.99/lab/v1/user-data")).status).toBe(404);
});

test("a key stays on one line of the metadata, however long", async () => {
  expect((await ask("/metadata")).text.split("\n")).toContain(`  - ${publicKeys[0]}`);
});

test("a server is known by any address of its /64", async () => {
  expect((await ask("/metadata/hostname", "fd7a:31c2:9e00:1::1234")).text).toBe("web");
});

test("a stranger and an unknown path get 404", async () => {
  expect((await ask("/metadata/hostname", "10.87.12.99")).status).toBe(404);
  expect((await ask("/metadata/hostname", "nonsense")).status).toBe(404);
  expect((await ask("/metadata/nonsense")).status).toBe(404);
  expect((await ask("/metadata/constructor")).status).toBe(404);
});
