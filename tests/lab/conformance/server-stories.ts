import { publicKeys } from "../cloud/client.ts";
import type { Play } from "./play.ts";
import { labels, number, plainServer, subnetOf } from "./story.ts";

export async function sshKeys(play: Play): Promise<void> {
  const args = { name: "ada", publicKey: publicKeys[0], labels };
  let key = await play.create("SshKey", "ada", args);
  key = await play.refresh(key);
  await play.differ(key, { ...args, publicKey: publicKeys[1] });
  key = await play.update(key, { ...args, name: "ada-laptop" });
  key = await play.update(key, { name: "ada-laptop", publicKey: publicKeys[0] });
  await play.refused(play.create("SshKey", "twin", { name: "twin", publicKey: publicKeys[0] }));
  await play.import("SshKey", "again", key.id);
  await play.delete(key);
}

export async function firewalls(play: Play): Promise<void> {
  const ssh = {
    direction: "in",
    protocol: "tcp",
    port: "22",
    sourceIps: ["0.0.0.0/0", "::/0"],
    description: "ssh",
  };
  const ping = { direction: "in", protocol: "icmp", sourceIps: ["0.0.0.0/0", "::/0"] };
  const dns = { direction: "out", protocol: "udp", port: "53", destinationIps: ["0.0.0.0/0"] };
  const args = { name: "fw", rules: [ping, ssh], labels };
  let firewall = await play.create("Firewall", "fw", args);
  firewall = await play.refresh(firewall);
  firewall = await play.update(firewall, { ...args, rules: [ping, ssh, dns] });
  firewall = await play.update(firewall, { ...args, name: "wall", rules: [ssh], labels: {} });
  const server = await play.create("Server", "web", { ...plainServer, name: "web" });
  const attachment = { firewallId: number(firewall), serverIds: [number(server)] };
  let attached = await play.create("FirewallAttachment", "web", attachment);
  attached = await play.refresh(attached);
  firewall = await play.refresh(firewall);
  await play.import("Firewall", "again", firewall.id);
  await play.import("FirewallAttachment", "imported", firewall.id);
  attached = await play.update(attached, { ...attachment, labelSelectors: ["role=web"] });
  await play.delete(attached);
  await play.create("FirewallAttachment", "again", attachment);
  const inline = { name: "inline", rules: [ssh], applyTos: [{ server: number(server) }] };
  const applied = await play.create("Firewall", "inline", inline);
  await play.delete(await play.update(applied, { ...inline, applyTos: [{ labelSelector: "role=web" }] }));
  await play.refused(play.create("Firewall", "bad", { name: "bad", rules: [{ ...ssh, port: "70000" }] }));
  await play.delete(firewall);
  await play.delete(server);
}

export async function servers(play: Play): Promise<void> {
  const key = await play.create("SshKey", "ada", { name: "ada", publicKey: publicKeys[0] });
  const group = await play.create("PlacementGroup", "spread", { name: "spread", type: "spread", labels });
  const place = { type: "ipv4", location: "fsn1", autoDelete: false };
  const ipv4 = await play.create("PrimaryIp", "ipv4", { ...place, name: "web-ipv4" });
  const ipv6 = await play.create("PrimaryIp", "ipv6", { ...place, name: "web-ipv6", type: "ipv6" });
  const firewall = await play.create("Firewall", "fw", { name: "fw" });
  const args = {
    ...plainServer,
    name: "web",
    userData: "#cloud-config\n{}\n",
    sshKeys: [key.id],
    firewallIds: [number(firewall)],
    publicNets: [{ ipv4Enabled: true, ipv4: number(ipv4), ipv6Enabled: true, ipv6: number(ipv6) }],
    backups: true,
    placementGroupId: number(group),
    deleteProtection: true,
    rebuildProtection: true,
    keepDisk: true,
    labels,
  };
  let server = await play.create("Server", "web", args);
  server = await play.refresh(server);
  await play.differ(server, { ...args, image: "debian-12", userData: "#cloud-config\n", location: "nbg1" });
  await play.refused(play.delete(server));
  server = await play.update(server, { ...args, name: "www", labels: { ...labels, more: "1" } });
  server = await play.update(server, { ...args, serverType: "cx33", backups: false });
  const open = {
    ...args,
    serverType: "cx33",
    backups: false,
    deleteProtection: false,
    rebuildProtection: false,
  };
  server = await play.update(server, open);
  const { placementGroupId: _, ...alone } = { ...open, firewallIds: [] };
  server = await play.update(server, alone);
  const onlySix = [{ ipv4Enabled: false, ipv6Enabled: true, ipv6: number(ipv6) }];
  server = await play.update(server, { ...alone, publicNets: onlySix });
  server = await play.refresh(server);
  await play.import("Server", "again", server.id);
  await play.refused(play.create("Server", "twin", { ...plainServer, name: "web" }));
  await play.refused(play.create("Server", "unknown", { ...plainServer, name: "x", serverType: "cx999" }));
  const snapshot = await play.create("Snapshot", "before", {
    serverId: number(server),
    description: "before",
    labels,
  });
  await play.refresh(snapshot);
  await play.delete(
    await play.update(snapshot, { serverId: number(server), description: "after", labels: {} }),
  );
  await play.delete(server);
  for (const one of [ipv4, ipv6, firewall, group, key]) await play.delete(one);
}

/** A server's rarer options, and networks that are written into it. */
export async function moreOfServers(play: Play): Promise<void> {
  const key = await play.create("SshKey", "ada", { name: "ada", publicKey: publicKeys[0] });
  const network = await play.create("Network", "net", { name: "net", ipRange: "10.0.0.0/16" });
  const subnet = await play.create("NetworkSubnet", "one", subnetOf(network));
  const rescued = { ...plainServer, name: "rescued", sshKeys: ["ada"], rescue: "linux64", iso: "122630" };
  let server = await play.create("Server", "rescued", rescued);
  const { rescue: _, iso: __, ...usual } = rescued;
  server = await play.update(server, { ...usual, shutdownBeforeDeletion: true });
  const joined = { networkId: number(network), ip: "10.0.1.7", aliasIps: ["10.0.1.8"] };
  server = await play.update(server, { ...usual, networks: [joined] });
  const moved = { ...joined, aliasIps: ["10.0.1.9"] };
  server = await play.update(server, { ...usual, networks: [moved] });
  server = await play.refresh(server);
  server = await play.update(server, { ...usual, networks: [] });
  let group = await play.create("PlacementGroup", "spread", { name: "spread", type: "spread" });
  const grouped = { ...usual, placementGroupId: number(group) };
  await play.refused(play.update(server, grouped));
  group = await play.refresh(group);
  group = await play.update(group, { name: "far", type: "spread", labels });
  for (const one of [server, group, subnet, network, key]) await play.delete(one);
}

export async function volumes(play: Play): Promise<void> {
  const args = { name: "data", size: 10, location: "fsn1", deleteProtection: true, labels };
  let volume = await play.create("Volume", "data", args);
  volume = await play.refresh(volume);
  const server = await play.create("Server", "web", { ...plainServer, name: "web" });
  const place = { volumeId: number(volume), serverId: number(server), automount: false };
  let attached = await play.create("VolumeAttachment", "data", place);
  attached = await play.refresh(attached);
  volume = await play.refresh(volume);
  volume = await play.update(volume, { ...args, size: 20, name: "more", labels: {} });
  await play.import("Volume", "imported", volume.id);
  await play.differ(volume, { ...args, location: "nbg1" });
  await play.delete(attached);
  volume = await play.update(volume, { ...args, size: 20, deleteProtection: false });
  await play.delete(volume);
  const free = { name: "own", size: 10, automount: true, format: "ext4" };
  let own = await play.create("Volume", "own", { ...free, serverId: number(server) });
  own = await play.update(own, free);
  await play.delete(own);
  await play.delete(server);
}
