import type { Made, Play } from "./play.ts";
import { type Given, labels, number, plainServer, subnetOf } from "./story.ts";

export async function primaryIps(play: Play): Promise<void> {
  const args = {
    name: "web-ipv4",
    type: "ipv4",
    location: "fsn1",
    autoDelete: false,
    deleteProtection: true,
    labels,
  };
  let ipv4 = await play.create("PrimaryIp", "ipv4", args);
  ipv4 = await play.refresh(ipv4);
  const six = { name: "web-ipv6", type: "ipv6", location: "fsn1", autoDelete: false, labels };
  const ipv6 = await play.create("PrimaryIp", "ipv6", six);
  await play.differ(ipv4, { ...args, location: "nbg1" });
  const pointer = { primaryIpId: number(ipv4), ipAddress: ipv4.outputs.ipAddress, dnsPtr: "a.example.org" };
  let rdns = await play.create("Rdns", "ipv4", pointer);
  rdns = await play.refresh(rdns);
  rdns = await play.update(rdns, { ...pointer, dnsPtr: "b.example.org" });
  const sixth = `${String(ipv6.outputs.ipAddress)}1`;
  const other = await play.create("Rdns", "ipv6", {
    ...pointer,
    primaryIpId: number(ipv6),
    ipAddress: sixth,
  });
  await play.delete(other);
  await play.delete(rdns);
  ipv4 = await play.update(ipv4, { ...args, labels: { ...labels, more: "" }, autoDelete: true });
  await play.import("PrimaryIp", "again", ipv4.id);
  await play.refused(play.delete(ipv4));
  ipv4 = await play.update(ipv4, { ...args, deleteProtection: false });
  await play.delete(ipv4);
  await play.delete(ipv6);
}

export async function networks(play: Play): Promise<void> {
  const args = { name: "net", ipRange: "10.0.0.0/16", deleteProtection: true, labels };
  let network = await play.create("Network", "net", args);
  const part = subnetOf(network);
  let subnet = await play.create("NetworkSubnet", "one", part);
  const second = await play.create("NetworkSubnet", "two", { ...part, ipRange: "10.0.2.0/24" });
  const hop = { networkId: number(network), destination: "10.100.1.0/24", gateway: "10.0.1.1" };
  const route = await play.create("NetworkRoute", "route", hop);
  subnet = await play.refresh(subnet);
  await play.refresh(route);
  await play.differ(subnet, { ...part, ipRange: "10.0.3.0/24" });
  network = await play.update(network, { ...args, name: "wide", deleteProtection: false });
  network = await play.refresh(network);
  await play.differ(network, { ...args, name: "wide", ipRange: "10.0.0.0/8" });

  const server = await play.create("Server", "web", { ...plainServer, name: "web" });
  const member = { serverId: number(server), subnetId: subnet.id };
  let joined = await play.create("ServerNetwork", "web", member);
  joined = await play.refresh(joined);
  joined = await play.update(joined, { ...member, aliasIps: ["10.0.1.20"] });
  await play.differ(joined, { ...member, ip: "10.0.1.9" });
  await play.delete(joined);
  const inside = { serverId: number(server), networkId: number(network), ip: "10.0.2.9" };
  const again = await play.create("ServerNetwork", "again", inside);
  const inline = {
    ...plainServer,
    name: "db",
    publicNets: [{ ipv4Enabled: false, ipv6Enabled: false }],
    networks: [{ networkId: number(network), ip: "10.0.1.5", aliasIps: ["10.0.1.6"] }],
  };
  const db = await play.create("Server", "db", inline);
  await play.refresh(db);
  await play.import("Network", "imported", network.id);
  await play.import("NetworkSubnet", "imported", subnet.id);
  await play.import("ServerNetwork", "imported", again.id);
  await play.import("NetworkRoute", "imported", route.id);
  for (const one of [db, again, server, route, second, subnet, network]) await play.delete(one);
}

export async function floatingIps(play: Play): Promise<void> {
  const args = { name: "float", type: "ipv4", homeLocation: "fsn1", description: "roams", labels };
  let floating = await play.create("FloatingIp", "float", args);
  const servers = [
    await play.create("Server", "a", { ...plainServer, name: "a" }),
    await play.create("Server", "b", { ...plainServer, name: "b" }),
  ] as const;
  const to = (server: Made) => ({ floatingIpId: number(floating), serverId: number(server) });
  let assigned = await play.create("FloatingIpAssignment", "float", to(servers[0]));
  assigned = await play.refresh(assigned);
  assigned = await play.update(assigned, to(servers[1]));
  const pointer = {
    floatingIpId: number(floating),
    ipAddress: floating.outputs.ipAddress,
    dnsPtr: "f.example.org",
  };
  const rdns = await play.create("Rdns", "float", pointer);
  floating = await play.refresh(floating);
  floating = await play.update(floating, { ...args, name: "roaming", description: "anywhere" });
  const by = {
    serverId: number(servers[0]),
    ipAddress: servers[0].outputs.ipv4Address,
    dnsPtr: "a.example.org",
  };
  const own = await play.create("Rdns", "server", by);
  await play.import("FloatingIp", "imported", floating.id);
  for (const one of [own, rdns, assigned, floating, ...servers]) await play.delete(one);
}

export async function loadBalancers(play: Play, given: Given): Promise<void> {
  const uploaded = { name: "tls", certificate: given.certificate, privateKey: given.privateKey };
  const certificate = await play.create("UploadedCertificate", "tls", uploaded);
  const network = await play.create("Network", "net", { name: "net", ipRange: "10.0.0.0/16" });
  const subnet = await play.create("NetworkSubnet", "one", subnetOf(network));
  const server = await play.create("Server", "web", { ...plainServer, name: "web", labels: { role: "web" } });
  const member = await play.create("ServerNetwork", "web", { serverId: number(server), subnetId: subnet.id });

  const args = {
    name: "front",
    loadBalancerType: "lb11",
    location: "fsn1",
    algorithm: { type: "round_robin" },
    deleteProtection: true,
    labels,
  };
  let balancer = await play.create("LoadBalancer", "front", args);
  balancer = await play.refresh(balancer);
  const joining = { loadBalancerId: number(balancer), subnetId: subnet.id };
  let joined = await play.create("LoadBalancerNetwork", "front", joining);
  joined = await play.refresh(joined);
  joined = await play.update(joined, { ...joining, enablePublicInterface: false });
  joined = await play.update(joined, joining);

  const target = {
    loadBalancerId: number(balancer),
    type: "server",
    serverId: number(server),
    usePrivateIp: true,
  };
  let led = await play.create("LoadBalancerTarget", "web", target);
  led = await play.refresh(led);
  await play.differ(led, { ...target, usePrivateIp: false });
  const selecting = { loadBalancerId: number(balancer), type: "label_selector", labelSelector: "role=api" };
  const selected = await play.create("LoadBalancerTarget", "api", selecting);

  const pointer = {
    loadBalancerId: number(balancer),
    ipAddress: balancer.outputs.ipv4,
    dnsPtr: "lb.example.org",
  };
  await play.delete(await play.create("Rdns", "front", pointer));

  const healthCheck = {
    protocol: "http",
    port: 8080,
    interval: 15,
    timeout: 10,
    retries: 3,
    http: { path: "/healthz", statusCodes: ["2??"], tls: false, domain: "example.org" },
  };
  const plain = {
    loadBalancerId: balancer.id,
    protocol: "http",
    listenPort: 80,
    destinationPort: 8080,
    healthCheck,
  };
  let http = await play.create("LoadBalancerService", "http", { ...plain, http: { stickySessions: true } });
  http = await play.refresh(http);
  http = await play.update(http, { ...plain, destinationPort: 9090, http: { stickySessions: false } });
  const secure = {
    ...plain,
    protocol: "https",
    listenPort: 443,
    http: { certificates: [number(certificate)] },
  };
  const https = await play.create("LoadBalancerService", "https", secure);
  const tcp = { loadBalancerId: balancer.id, protocol: "tcp", listenPort: 5432, destinationPort: 5432 };
  const database = await play.create("LoadBalancerService", "tcp", tcp);

  balancer = await play.update(balancer, { ...args, name: "main", algorithm: { type: "least_connections" } });
  balancer = await play.update(balancer, {
    ...args,
    loadBalancerType: "lb21",
    labels: {},
    deleteProtection: false,
  });
  await play.import("LoadBalancer", "imported", balancer.id);
  await play.import("LoadBalancerService", "imported", http.id);
  await play.import("LoadBalancerNetwork", "imported", joined.id);
  for (const one of [database, https, http, selected, led, joined, balancer, member, server, subnet, network])
    await play.delete(one);
  await play.delete(await play.update(certificate, { ...uploaded, name: "renamed", labels }));
}

export async function zones(play: Play): Promise<void> {
  const args = { name: "example.org", mode: "primary", ttl: 3600, deleteProtection: true, labels };
  let zone = await play.create("Zone", "zone", args);
  zone = await play.refresh(zone);
  const www = {
    zone: "example.org",
    name: "www",
    type: "A",
    ttl: 300,
    records: [{ value: "192.0.2.1" }],
    labels,
  };
  let a = await play.create("ZoneRrset", "www", www);
  a = await play.refresh(a);
  const two = [{ value: "192.0.2.2", comment: "second" }, { value: "192.0.2.1" }];
  a = await play.update(a, { ...www, records: two, ttl: 600, labels: {} });
  a = await play.update(a, { ...www, changeProtection: true });
  await play.differ(a, { ...www, name: "web" });
  const { ttl: _, ...usual } = www;
  a = await play.update(a, { ...usual, changeProtection: false });
  const text = { zone: "example.org", name: "@", type: "TXT", records: [{ value: '"v=spf1 -all"' }] };
  const txt = await play.create("ZoneRrset", "txt", text);
  await play.refused(
    play.create("ZoneRrset", "bad", { ...www, name: "bad", records: [{ value: "no address" }] }),
  );
  const managed = { name: "tls", domainNames: ["example.org", "www.example.org"], labels };
  let certificate = await play.create("ManagedCertificate", "tls", managed);
  certificate = await play.refresh(certificate);
  certificate = await play.update(certificate, { ...managed, name: "renamed" });
  await play.import("Zone", "again", zone.id);
  await play.import("ZoneRrset", "again", "example.org/www/A");
  zone = await play.update(zone, { ...args, ttl: 600, deleteProtection: false, labels: {} });
  for (const one of [certificate, txt, a, zone]) await play.delete(one);
  const from = {
    name: "example.net",
    mode: "secondary",
    primaryNameservers: [{ address: "192.0.2.53", port: 53 }],
  };
  const second = await play.create("Zone", "second", from);
  const other = [{ address: "198.51.100.53", port: 53 }];
  await play.delete(await play.update(second, { ...from, primaryNameservers: other }));
}
