import { expect, test } from "vitest";
import { parse } from "yaml";
import type { MachineSpec } from "../../../../lab/cloud/driver.ts";
import { cloudSeed, uplinkNetwork } from "../../../../lab/machines/seed.ts";

const spec: MachineSpec = {
  id: 42,
  name: "web1",
  image: "debian-13",
  ipv4: "10.87.12.10",
  ipv6: "fd7a:31c2:9e00:1::/64",
  mac: "96:00:00:00:00:2a",
  sshKeys: ["ssh-ed25519 AAAA one", 'ssh-ed25519 BBBB two "quoted"'],
  userData: "#cloud-config\nruncmd: ['echo: {}']\n",
};

test("user data goes in verbatim", () => {
  expect(cloudSeed(spec)["user-data"]).toBe(spec.userData);
});

test("without user data cloud-init gets an empty configuration", () => {
  expect(cloudSeed({ ...spec, userData: null })["user-data"]).toBe("#cloud-config\n");
});

test("meta-data carries the server's id, name and keys", () => {
  expect(parse(cloudSeed(spec)["meta-data"])).toEqual({
    "instance-id": "42",
    "local-hostname": "web1",
    "public-keys": spec.sshKeys,
  });
});

const onLink = (via: string) => ({ to: "default", via, "on-link": true });

test.each([
  [
    "both families",
    spec,
    ["10.87.12.10/32", "fd7a:31c2:9e00:1::1/64"],
    [onLink("172.31.1.1"), onLink("fe80::1")],
  ],
  ["IPv4 alone", { ...spec, ipv6: null }, ["10.87.12.10/32"], [onLink("172.31.1.1")]],
  ["IPv6 alone", { ...spec, ipv4: null }, ["fd7a:31c2:9e00:1::1/64"], [onLink("fe80::1")]],
])("network-config has /32 and ::1 of the /64 with on-link gateways: %s", (_, spec, addresses, routes) => {
  const { version, ethernets } = parse(cloudSeed(spec)["network-config"]);
  expect(version).toBe(2);
  expect(ethernets.eth0).toMatchObject({ addresses, routes });
});

test("the firmware's network file says the same to systemd-networkd", () => {
  expect(uplinkNetwork(spec)).toBe(
    [
      "[Match]",
      "MACAddress=96:00:00:00:00:2a",
      "",
      "[Network]",
      "DHCP=no",
      "IPv6AcceptRA=no",
      "IPv6DuplicateAddressDetection=0",
      "DNS=185.12.64.1",
      "DNS=185.12.64.2",
      "DNS=2a01:4ff:ff00::add:1",
      "DNS=2a01:4ff:ff00::add:2",
      "Address=10.87.12.10/32",
      "Address=fd7a:31c2:9e00:1::1/64",
      "",
      "[Route]",
      "Gateway=172.31.1.1",
      "GatewayOnLink=yes",
      "",
      "[Route]",
      "Gateway=fe80::1",
      "GatewayOnLink=yes",
      "",
    ].join("\n"),
  );
});
