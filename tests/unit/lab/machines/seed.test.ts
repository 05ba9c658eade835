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

const network = { ipv4: "10.87.12.0/24", ipv6: "fd7a:31c2:9e00::/48" };
const metaData = (spec: MachineSpec) => parse(cloudSeed(spec, network)["meta-data"]);
const userData = (spec: MachineSpec) => cloudSeed(spec, network)["user-data"];

test.each([
  ["both families", spec, "http://169.254.169.254/lab/v1/"],
  ["IPv6 alone", { ...spec, ipv4: null }, "http://[fd7a:31c2:9e00::2]/lab/v1/"],
])(
  "a server with %s knows its id and where to ask for the rest, which is not on its disk",
  (_, spec, from) => {
    expect(metaData(spec)).toEqual({ "instance-id": "42", seedfrom: from });
    expect(userData(spec)).toBe("");
  },
);

test("a server without a public address, which cannot ask, has keys and user data on its disk", () => {
  const alone = { ...spec, ipv4: null, ipv6: null };
  expect(metaData(alone)).toEqual({
    "instance-id": "42",
    "local-hostname": "web1",
    "public-keys": spec.sshKeys,
  });
  expect(userData(alone)).toBe(spec.userData);
  expect(userData({ ...alone, userData: null })).toBe("#cloud-config\n");
});

test.each([
  ["IPv4", { ...spec, ipv6: null }, ["Address=10.87.12.10/32"], ["Gateway=172.31.1.1"]],
  ["IPv6", { ...spec, ipv4: null }, ["Address=fd7a:31c2:9e00:1::1/64"], ["Gateway=fe80::1"]],
])("a server with %s alone has its address and on-link gateway", (_, spec, addresses, gateways) => {
  const lines = uplinkNetwork(spec).split("\n");
  expect(lines.filter((line) => line.startsWith("Address="))).toEqual(addresses);
  expect(lines.filter((line) => line.startsWith("Gateway="))).toEqual(gateways);
});

test("the firmware's network file has /32 and ::1 of the /64, and on-link gateways", () => {
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
