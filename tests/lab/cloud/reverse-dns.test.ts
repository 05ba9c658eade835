import { expect, test } from "vitest";
import { reverseZones } from "../../../lab/cloud/reverse-zones.ts";
import { orderServer, testCloud } from "./client.ts";
import { served, zoneComplaints } from "./zone-check.ts";

const network = (ipv4: string, ipv6 = "fd7a:31c2:9e00::/48") => ({ ipv4, ipv6 });
const places = (lab: { ipv4: string; ipv6: string }, ip: string) =>
  reverseZones(lab, [{ ip, dns_ptr: "web.example.com" }], 7).map(({ name, text }) => [
    name,
    /^(\S+)\tIN\tPTR/m.exec(text)?.[1],
  ]);

test.each([
  [network("10.87.12.0/24"), "10.87.12.34", "12.87.10.in-addr.arpa", "34"],
  [network("10.87.0.0/16"), "10.87.12.34", "87.10.in-addr.arpa", "34.12"],
  [network("10.87.12.0/22"), "10.87.13.34", "13.87.10.in-addr.arpa", "34"],
  [network("10.87.12.128/26"), "10.87.12.130", "12.87.10.in-addr.arpa", "130"],
  [
    network("10.87.12.0/24"),
    "fd7a:31c2:9e00:5::1",
    "0.0.e.9.2.c.1.3.a.7.d.f.ip6.arpa",
    `1.${"0.".repeat(15)}5.0.0.0`,
  ],
  [
    network("10.87.12.0/24", "fd7a:31c2:9e00::/46"),
    "fd7a:31c2:9e02::1",
    "2.0.e.9.2.c.1.3.a.7.d.f.ip6.arpa",
    `1.${"0.".repeat(18)}0`,
  ],
])("in %j the name of %s is in %s as %s", (lab, ip, zone, name) => {
  expect(places(lab, ip)).toEqual([[zone, name]]);
});

test("an address outside the lab's networks is not served", () => {
  expect(places(network("10.87.12.0/24"), "192.0.2.1")).toEqual([]);
});

test("names set on servers and addresses are served backwards, and no longer when they are gone", async () => {
  const cloud = await testCloud();
  const server = await orderServer(cloud);
  const { ip } = (await cloud.get(`/servers/${server}`)).at("server.public_net.ipv4") as { ip: string };
  expect(cloud.driver.zones).toEqual([]);
  const named = async (dns_ptr: string, address: string) => {
    await cloud.post(`/servers/${server}/actions/change_dns_ptr`, { ip: address, dns_ptr });
    await cloud.cloud.actions.settled();
  };
  await named("web.example.com", ip);
  const six = `${(await cloud.get(`/servers/${server}`)).at("server.public_net.ipv6.ip")}`.replace(
    "/64",
    "1",
  );
  await named("web6.example.com", six);
  const pointer = () => served(cloud, "12.87.10.in-addr.arpa")[`${ip.split(".")[3]}/PTR`];
  await expect.poll(() => cloud.driver.zones).toHaveLength(2);
  expect(pointer()).toEqual(["web.example.com."]);
  expect(zoneComplaints(cloud.driver.zones)).toEqual([]);
  const serial = () => served(cloud, "12.87.10.in-addr.arpa")["@/SOA"]?.[0]?.split(" ")[2] ?? "";
  const before = Number(serial());
  await named("www.example.com", ip);
  await expect.poll(() => pointer()).toEqual(["www.example.com."]);
  expect(Number(serial())).toBeGreaterThan(before);
  await cloud.delete(`/servers/${server}`);
  await expect.poll(() => cloud.driver.zones).toEqual([]);
});
