import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UNKNOWN, type Wire } from "../../../unit/provider/client.ts";
import { type Stage, stage } from "../hcloud-engine.ts";

let at: Stage;
beforeAll(async () => {
  at = await stage();
});
afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

const missing = (argument: string, property: string) =>
  `Missing required argument. The argument "${argument}" is required, but no definition was found.. Examine values at 'x.${property}'.`;
const choices = (words: string) =>
  ["server_id", "label_selector", "ip"].map((choice, index) => {
    const property = ["serverId", "labelSelector", "ip"][index];
    return `Invalid combination of arguments. "${choice}": ${words}. Examine values at 'x.${property}'.`;
  });

/** The words the real plugin was seen to use for the same inputs. */
const REFUSED: [string, Wire, string[]][] = [
  ["FirewallAttachment", {}, [missing("firewall_id", "firewallId")]],
  [
    "PlacementGroup",
    { type: "wide" },
    ["wide is not a valid placement group type. Examine values at 'x.type'."],
  ],
  ["PlacementGroup", {}, [missing("type", "type")]],
  [
    "PlacementGroup",
    { type: "spread", labels: { "a b": "c" } },
    ["label key 'a b' is not correctly formatted. Examine values at 'x.labels'."],
  ],
  ["Volume", {}, [missing("size", "size")]],
  ["VolumeAttachment", { volumeId: "1" }, [missing("server_id", "serverId")]],
  [
    "Network",
    { ipRange: "10.0.0.0" },
    [
      `expected "ip_range" to be a valid CIDR Value, got 10.0.0.0: invalid CIDR address: 10.0.0.0. Examine values at 'x.ipRange'.`,
    ],
  ],
  [
    "NetworkSubnet",
    { networkId: 1, type: "clou", networkZone: "x", ipRange: "y" },
    [`expected type to be one of ["cloud" "server" "vswitch"], got clou. Examine values at 'x.type'.`],
  ],
  [
    "ServerNetwork",
    { serverId: 1 },
    [
      "Missing Attribute Configuration. Exactly one of these attributes must be configured: [network_id,subnet_id]",
    ],
  ],
  [
    "ServerNetwork",
    { serverId: 1, networkId: 1, subnetId: "1-10.0.0.0/8" },
    [
      "Invalid Attribute Combination. Exactly one of these attributes must be configured: [network_id,subnet_id]. Examine values at 'x.networkId'.",
    ],
  ],
  [
    "ServerNetwork",
    { serverId: 1, networkId: 1, ip: "x", aliasIps: ["y"] },
    [
      `Invalid IP Address String Value. A string value was provided that is not valid IPv4 or IPv6 string format (RFC 791, RFC 4291).\n\nGiven Value: x\nError: ParseAddr("x"): unable to parse IP. Examine values at 'x.ip'.`,
      `Invalid Attribute Value. Attribute alias_ips[Value("y")] must be a valid ip, got: y. Examine values at 'x.aliasIps'.`,
    ],
  ],
  [
    "Rdns",
    { ipAddress: "1.2.3.4", dnsPtr: "a", serverId: 1, primaryIpId: 2 },
    [
      "Invalid Attribute Combination. Exactly one of these attributes must be configured: [server_id,primary_ip_id,floating_ip_id,load_balancer_id]. Examine values at 'x.serverId'.",
    ],
  ],
  ["FloatingIp", {}, [missing("type", "type")]],
  [
    "Zone",
    { mode: "primary", name: "x", primaryNameservers: [{ address: "1.1.1.1" }] },
    [
      "Forbidden attribute. This attribute is forbidden when mode is primary.. Examine values at 'x.primaryNameservers'.",
    ],
  ],
  [
    "Zone",
    { mode: "secondary", name: "x" },
    [
      "Required attribute. This attribute is required when mode is secondary.. Examine values at 'x.primaryNameservers'.",
    ],
  ],
  [
    "Zone",
    { mode: "secondary", name: "x", primaryNameservers: [] },
    [
      "Invalid Attribute Value. Attribute primary_nameservers list must contain at least 1 elements, got: 0. Examine values at 'x.primaryNameservers'.",
    ],
  ],
  [
    "ZoneRrset",
    { zone: "x", name: "@", type: "A", records: [] },
    [
      "Invalid Attribute Value. Attribute records set must contain at least 1 elements, got: 0. Examine values at 'x.records'.",
    ],
  ],
  ["ZoneRrset", { zone: "x", type: "A", records: [{}] }, ["Missing required property 'records.value'"]],
  [
    "LoadBalancer",
    { loadBalancerType: "lb11", algorithm: { type: "x" } },
    [
      `expected algorithm.0.type to be one of ["round_robin" "least_connections"], got x. Examine values at 'x.algorithm.type'.`,
    ],
  ],
  [
    "LoadBalancerService",
    { loadBalancerId: "1", protocol: "udp" },
    [`expected protocol to be one of ["http" "https" "tcp"], got udp. Examine values at 'x.protocol'.`],
  ],
  [
    "LoadBalancerService",
    { loadBalancerId: "1", protocol: "http", http: { timeoutIdle: 5 }, healthCheck: { protocol: "http" } },
    [
      "expected http.0.timeout_idle to be in the range (30 - 300), got 5. Examine values at 'x.http.timeoutIdle'.",
      ...["port", "interval", "timeout", "retries"].map((name) =>
        missing(`health_check.0.${name}`, `healthCheck.${name}`),
      ),
    ],
  ],
  [
    "LoadBalancerTarget",
    { loadBalancerId: 1, type: "server" },
    choices("one of `ip,label_selector,server_id` must be specified"),
  ],
  [
    "LoadBalancerTarget",
    { loadBalancerId: 1, type: "ip", ip: "1.1.1.1", serverId: 1 },
    choices("only one of `ip,label_selector,server_id` can be specified, but `ip,server_id` were specified."),
  ],
  [
    "LoadBalancerTarget",
    { loadBalancerId: 1, type: "ip", ip: "1.1.1.1", usePrivateIp: true },
    [`Conflicting configuration arguments. "ip": conflicts with use_private_ip. Examine values at 'x.ip'.`],
  ],
  [
    "ManagedCertificate",
    { domainNames: [] },
    [
      "Not enough list items. Attribute domain_names requires 1 item minimum, but config has only 0 declared.. Examine values at 'x.domainNames'.",
    ],
  ],
  ["UploadedCertificate", {}, [missing("private_key", "privateKey"), missing("certificate", "certificate")]],
  ["Snapshot", {}, [missing("server_id", "serverId")]],
  [
    "Server",
    { serverType: "cx23", sshKeys: [""] },
    [
      "Invalid ssh key passed. You need to pass a string with at least 1 character. Examine values at 'x.sshKeys[0]'.",
    ],
  ],
  [
    "Server",
    { serverType: "cx23", networks: [{}] },
    ["networks: must specify either network_id or subnet_id"],
  ],
  [
    "Server",
    { serverType: "cx23", networks: [{ networkId: 1 }, { subnetId: "1-10.0.0.0/24" }] },
    ["networks: server is only allowed to be attached to each network once: 1"],
  ],
  [
    "Server",
    { serverType: "cx23", networks: [{ subnetId: "1-10.0.0.0/24", ip: "10.1.0.1" }] },
    ["networks: server IP (10.1.0.1) is outside subnet IP range (10.0.0.0/24)"],
  ],
  ["Volume", { size: 10, mount: true }, ["mount: the lab's stand-in for hcloud does not know this input"]],
  ["Volume", { size: "ten" }, [`size: a whole number is needed, this is "ten"`]],
  [
    "FirewallAttachment",
    { firewallId: 1, serverIds: [true] },
    ["serverIds[0]: a whole number is needed, this is true"],
  ],
];

test.each(REFUSED)("%s %o is refused", async (type, args, expected) => {
  const faults = await (await at.kind(type)).faults("x", args);
  expect(faults.toSorted()).toEqual(expected.toSorted());
});

test.each<[string, Wire]>([
  ["VolumeAttachment", { volumeId: "1", serverId: UNKNOWN }],
  ["ServerNetwork", { serverId: UNKNOWN, networkId: UNKNOWN }],
  ["Rdns", { ipAddress: UNKNOWN, dnsPtr: "a", serverId: UNKNOWN }],
  ["LoadBalancerTarget", { loadBalancerId: UNKNOWN, type: "server", serverId: UNKNOWN }],
  ["Server", { serverType: "cx23", networks: [{ subnetId: UNKNOWN }], publicNets: [{ ipv4: UNKNOWN }] }],
])("%s %o is accepted, for what is not known yet counts as given", async (type, args) => {
  expect(await (await at.kind(type)).faults("x", args)).toEqual([]);
});

describe("a name", () => {
  test("is made for what has one, and not for what has none", async () => {
    const volume = await (await at.kind("Volume")).engine.check("data", { size: 10 });
    expect(volume.inputs.name).toMatch(/^data-[0-9a-f]{7}$/);
    const snapshot = await (await at.kind("Snapshot")).engine.check("data", { serverId: 1 });
    expect(snapshot.inputs).toEqual({ serverId: 1, __defaults: [] });
  });
});

describe("a change", () => {
  const plain = { name: "x", size: 10, location: "fsn1" };
  test.each<[string, Wire, Wire, string[], boolean]>([
    ["Volume", plain, { location: "nbg1" }, ["location"], true],
    ["Volume", plain, { location: "nbg1", name: "y" }, ["location"], true],
    ["Volume", plain, { size: 20, name: "y" }, [], false],
    ["Network", { name: "n", ipRange: "10.0.0.0/16" }, { ipRange: "10.0.0.0/8" }, ["ipRange"], true],
    [
      "NetworkSubnet",
      { networkId: 1, type: "cloud", networkZone: "eu-central", ipRange: "10.0.0.0/24" },
      { networkId: 2, type: "server", networkZone: "us-east", ipRange: "10.0.1.0/24", vswitchId: 3 },
      ["ipRange", "networkId", "networkZone", "type", "vswitchId"],
      false,
    ],
    [
      "ServerNetwork",
      { serverId: 1, networkId: 2, ip: "10.0.0.2" },
      { serverId: 3, networkId: 4, ip: "10.0.0.3" },
      ["ip", "networkId", "serverId"],
      false,
    ],
    ["VolumeAttachment", { volumeId: 1, serverId: 2 }, { serverId: 3 }, ["serverId"], false],
    ["FloatingIpAssignment", { floatingIpId: 1, serverId: 2 }, { serverId: 3 }, [], false],
    ["Rdns", { serverId: 1, ipAddress: "1.1.1.1", dnsPtr: "a" }, { dnsPtr: "b" }, [], false],
    ["Zone", { name: "a.com", mode: "primary" }, { name: "b.com" }, ["name"], false],
    [
      "ZoneRrset",
      { zone: "a.com", name: "@", type: "A", records: [{ value: "1.1.1.1" }] },
      { type: "AAAA" },
      ["type"],
      false,
    ],
    [
      "LoadBalancer",
      { name: "l", loadBalancerType: "lb11", location: "fsn1" },
      { location: "nbg1" },
      ["location"],
      true,
    ],
    [
      "LoadBalancer",
      { name: "l", loadBalancerType: "lb11", location: "fsn1" },
      { loadBalancerType: "lb21" },
      [],
      false,
    ],
    [
      "LoadBalancerService",
      { loadBalancerId: "1", protocol: "http", listenPort: 80 },
      { listenPort: 81 },
      ["listenPort"],
      false,
    ],
    [
      "LoadBalancerTarget",
      { loadBalancerId: 1, type: "server", serverId: 2 },
      { serverId: 3 },
      ["serverId"],
      false,
    ],
    [
      "ManagedCertificate",
      { name: "m", domainNames: ["a", "b"] },
      { domainNames: ["b"] },
      ["domainNames"],
      true,
    ],
    ["ManagedCertificate", { name: "m", domainNames: ["a", "b"] }, { domainNames: ["b", "a"] }, [], false],
    ["FirewallAttachment", { firewallId: 1, serverIds: [1, 2] }, { serverIds: ["2", "1"] }, [], false],
    ["Snapshot", { serverId: 1 }, { serverId: 2 }, ["serverId"], false],
  ])("of %s %o to %o replaces it for %o", async (type, args, change, replaces, first) => {
    const kind = await at.kind(type);
    const { inputs } = await kind.engine.check("x", args);
    const made = { id: "1", inputs, outputs: { ...inputs, id: "1" } };
    const result = await kind.diff("x", made, { ...args, ...change });
    expect(result.replaces.toSorted()).toEqual(replaces);
    expect(result.deleteBeforeReplace).toBe(first);
  });
});
