import type { MachineSpec } from "../cloud/driver.ts";
import { GATEWAY } from "./names.ts";
import { hostAddress } from "./network-choice.ts";
import { RESOLVERS } from "./services/service-addresses.ts";

/** The interface every server finds itself with. */
export const INTERFACE = "eth0";

function addresses(spec: MachineSpec): string[] {
  return [...(spec.ipv4 ? [`${spec.ipv4}/32`] : []), ...(spec.ipv6 ? [`${hostAddress(spec.ipv6)}/64`] : [])];
}

function gateways(spec: MachineSpec): string[] {
  return [...(spec.ipv4 ? [GATEWAY.ipv4] : []), ...(spec.ipv6 ? [GATEWAY.ipv6] : [])];
}

/** Hetzner's resolvers, of the families the server has. */
function resolvers(spec: MachineSpec): string[] {
  return [...(spec.ipv4 ? RESOLVERS.ipv4 : []), ...(spec.ipv6 ? RESOLVERS.ipv6 : [])];
}

/**
 * cloud-init's NoCloud seed of a server, by file name. The user data goes in verbatim; the rest is JSON, which is YAML.
 * @see https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
 */
export function cloudSeed(spec: MachineSpec): Record<"user-data" | "meta-data" | "network-config", string> {
  // By name: netplan matches a MAC by the permanent address, which a veth does not have.
  const uplink = {
    addresses: addresses(spec),
    routes: gateways(spec).map((via) => ({ to: "default", via, "on-link": true })),
    "accept-ra": false,
    dhcp4: false,
    dhcp6: false,
    nameservers: { addresses: resolvers(spec) },
  };
  const metadata = {
    "instance-id": String(spec.id),
    "local-hostname": spec.name,
    "public-keys": spec.sshKeys,
  };
  return {
    "user-data": spec.userData ?? "#cloud-config\n",
    "meta-data": `${JSON.stringify(metadata, null, 2)}\n`,
    "network-config": `${JSON.stringify({ version: 2, ethernets: { [INTERFACE]: uplink } }, null, 2)}\n`,
  };
}

/**
 * The same network as a systemd.network file: what the firmware knows of its NIC, for the installer and installed
 * systems, which never ask cloud-init.
 */
export function uplinkNetwork(spec: MachineSpec): string {
  const lines = [
    "[Match]",
    `MACAddress=${spec.mac}`,
    "",
    "[Network]",
    "DHCP=no",
    "IPv6AcceptRA=no",
    // Nobody else can have the address, and the check would hold IPv6 back for a second or two.
    "IPv6DuplicateAddressDetection=0",
    ...resolvers(spec).map((address) => `DNS=${address}`),
    ...addresses(spec).map((address) => `Address=${address}`),
    ...gateways(spec).flatMap((gateway) => ["", "[Route]", `Gateway=${gateway}`, "GatewayOnLink=yes"]),
  ];
  return `${lines.join("\n")}\n`;
}
