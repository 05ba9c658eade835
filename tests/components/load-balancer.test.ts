import * as hcloud from "@pulumi/hcloud";
import { describe, expect, test } from "vitest";
import { DnsZone } from "../../components/dns-zone.ts";
import { LoadBalancer } from "../../components/load-balancer.ts";
import { balancedService } from "../../components/load-balancer-service.ts";
import { PrivateAddress, PrivateNetwork } from "../../components/private-network.ts";
import { type LoadBalancerConfig, parseStackConfig } from "../../config/stack.ts";
import { plainHost } from "../unit/config/samples.ts";
import { dependenciesOf, expectFamily, only, settled, underMocks } from "./mocks.ts";

const balancer = "hcloud:index/loadBalancer:LoadBalancer";
const service = "hcloud:index/loadBalancerService:LoadBalancerService";
const target = "hcloud:index/loadBalancerTarget:LoadBalancerTarget";
const certificate = "hcloud:index/managedCertificate:ManagedCertificate";
const member = "hcloud:index/loadBalancerNetwork:LoadBalancerNetwork";

/** As the configuration is read. */
function configured(changes: object = {}): LoadBalancerConfig {
  const front = {
    location: "fsn1",
    targets: ["web1", "web2"],
    services: [{ protocol: "http", port: 80, targetPort: 8080 }],
    ...changes,
  };
  const { config: read } = parseStackConfig("dev", { hosts: { web1: plainHost }, loadBalancers: { front } });
  if (!read.loadBalancers.front) throw new Error("no load balancer");
  return read.loadBalancers.front;
}
const serviceOf = (changes: object) => {
  const [first] = configured({
    services: [{ protocol: "http", port: 80, targetPort: 8080, ...changes }],
  }).services;
  if (!first) throw new Error("no service");
  return first;
};

describe("a service of a load balancer", () => {
  const plainCheck = { protocol: "tcp", port: 8080, interval: 15, timeout: 10, retries: 3 };
  test.each<[string, object, object]>([
    ["forwards connections", { protocol: "tcp" }, { protocol: "tcp", healthCheck: plainCheck }],
    ["forwards requests", {}, { protocol: "http", http: {}, healthCheck: plainCheck }],
    [
      "ends TLS with a certificate",
      { protocol: "https" },
      { protocol: "https", http: { certificates: [9] }, healthCheck: plainCheck },
    ],
    [
      "sends http to https and keeps visitors on their host",
      { protocol: "https", redirect: true, sticky: true },
      {
        protocol: "https",
        http: { stickySessions: true, redirectHttp: true, certificates: [9] },
        healthCheck: plainCheck,
      },
    ],
    [
      "asks hosts for a page, without TLS behind https, too",
      { health: { path: "/up", domain: "www.example.org", status: ["200", "3??"] } },
      {
        protocol: "http",
        http: {},
        healthCheck: {
          ...plainCheck,
          protocol: "http",
          http: { path: "/up", domain: "www.example.org", statusCodes: ["200", "3??"], tls: false },
        },
      },
    ],
  ])("%s", (_, changes, expected) => {
    expect(balancedService(serviceOf(changes), "7", 9)).toEqual({
      loadBalancerId: "7",
      listenPort: 80,
      destinationPort: 8080,
      ...expected,
    });
  });
});

const make = (changes: object = {}, { inside = false, protect = true } = {}) =>
  underMocks(() => {
    const network = inside
      ? new PrivateNetwork("net", { networkName: "n", range: "10.0.0.0/16", zone: "z" })
      : undefined;
    const hosts = ["web1", "web2"].map((name) => {
      const server = new hcloud.Server(name, { serverType: "cx23" });
      const privateAddress = network && new PrivateAddress(`${name}-private`, { server, network });
      return { name, hardware: { server }, privateAddress };
    });
    const zone = new DnsZone("example.org", { domain: "example.org", ttl: 60 });
    return new LoadBalancer("front", {
      balancerName: "dev-front",
      config: configured(changes),
      targets: hosts,
      network,
      zones: [zone],
      protect,
      labels: { a: "b" },
    });
  });
const roots = ["front", "web1", "web2", "web1-private", "web2-private", "net", "example.org"];

describe("a LoadBalancer", () => {
  test.each([true, false])("keeps its addresses while it is protected (%s)", async (protect) => {
    const { seen, value } = await make({}, { protect });
    expectFamily(seen, ...roots);
    const made = only(seen, balancer);
    expect(made.inputs).toEqual({
      name: "dev-front",
      loadBalancerType: "lb11",
      location: "fsn1",
      algorithm: { type: "round_robin" },
      deleteProtection: protect,
      labels: { a: "b" },
    });
    expect(made.protect ?? false).toBe(protect);
    expect(await settled(value.ipv4Address)).toBe("203.0.113.99");
    expect(await settled(value.ipv6Address)).toBe("2001:db8:99::1");
  });

  test("leads to its hosts by their public addresses, and each ends with its server", async () => {
    const { seen } = await make({}, { protect: false });
    for (const host of ["web1", "web2"]) {
      const led = only(seen, target, `front-${host}`);
      expect(led.inputs).toEqual({
        loadBalancerId: expect.any(Number),
        type: "server",
        serverId: expect.any(Number),
        usePrivateIp: false,
      });
      const machine = seen.resources.find(({ type, name }) => name === host && type.endsWith(":Server"));
      expect(led.deletedWith).toBe(machine?.urn);
    }
    expect(seen.resources.some(({ type }) => type === member)).toBe(false);
  });

  test("leads to them through the private network once both ends are in it", async () => {
    const { seen } = await make({}, { inside: true });
    expect(only(seen, member).inputs).toEqual({
      loadBalancerId: expect.any(Number),
      subnetId: expect.any(String),
    });
    const led = only(seen, target, "front-web2");
    expect(led.inputs.usePrivateIp).toBe(true);
    expect(dependenciesOf(led)).toEqual(expect.arrayContaining(["front-network", "web2-private-address"]));
  });

  test("has a certificate for its names once their zone is there, and another before the old one goes", async () => {
    const config = {
      domains: ["www.example.org", "example.org"],
      services: [
        { protocol: "https", port: 443, targetPort: 80, redirect: true },
        { protocol: "tcp", port: 25, targetPort: 25 },
      ],
    };
    const { seen } = await make(config, { protect: false });
    const issued = only(seen, certificate);
    // A name of its own would be taken as long as the old one exists.
    expect(issued.inputs).toEqual({ domainNames: ["www.example.org", "example.org"], labels: { a: "b" } });
    expect(issued.deleteBeforeReplace).toBe(false);
    expect(dependenciesOf(issued)).toEqual(["example.org-zone"]);
    expect(only(seen, service, "front-443").inputs.http).toEqual({
      redirectHttp: true,
      certificates: [expect.any(Number)],
    });
    expect(only(seen, service, "front-25").inputs).not.toHaveProperty("http");
    for (const name of ["front-443", "front-25"])
      expect(only(seen, service, name).deletedWith).toBe(only(seen, balancer).urn);
  });

  test("asks for no certificate without https", async () => {
    const { seen } = await make();
    expect(seen.resources.some(({ type }) => type === certificate)).toBe(false);
  });
});
