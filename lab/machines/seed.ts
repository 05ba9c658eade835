import type { LabNetwork, MachineSpec } from "../cloud/driver.ts";
import { GATEWAY, METADATA_ADDRESS } from "./names.ts";
import { hostAddress, ownAddresses } from "./network-choice.ts";
import { RESOLVERS } from "./services/service-addresses.ts";

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

/** Where a server's cloud-init asks the cloud; null when it has no public address to ask from. */
function seedAddress({ ipv4, ipv6 }: MachineSpec, network: LabNetwork): string | null {
  if (ipv4) return `http://${METADATA_ADDRESS}/lab/v1/`;
  return ipv6 ? `http://[${ownAddresses(network).inside.ipv6}]/lab/v1/` : null;
}

/**
 * cloud-init's NoCloud seed of a server, by file name: its id, and the address at which the cloud tells the rest. A server
 * that cannot ask is told all. JSON is YAML; the user data is verbatim.
 * @see https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
 */
export function cloudSeed(spec: MachineSpec, network: LabNetwork): Record<"meta-data" | "user-data", string> {
  const from = seedAddress(spec, network);
  const told = from ? { seedfrom: from } : { "local-hostname": spec.name, "public-keys": spec.sshKeys };
  return {
    "meta-data": `${JSON.stringify({ "instance-id": String(spec.id), ...told }, null, 2)}\n`,
    "user-data": from ? "" : (spec.userData ?? "#cloud-config\n"),
  };
}

/**
 * A server's public network as a systemd.network file: what its firmware knows of its NIC, as DHCP would tell it at
 * Hetzner.
 */
export function uplinkNetwork(spec: MachineSpec): string {
  const lines = [
    "[Match]",
    `MACAddress=${spec.mac}`,
    // A server without a public address does not wait for one.
    ...(addresses(spec).length > 0 ? [] : ["", "[Link]", "RequiredForOnline=carrier"]),
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
