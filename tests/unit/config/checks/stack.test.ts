import { describe, expect, test } from "vitest";
import type { PlanInput } from "../../../../config/plan-stack.ts";
import {
  flake,
  plan,
  type Raw,
  refusals,
  running,
  server,
  webManifest,
  withHost,
  withHosts,
  withServer,
} from "../samples.ts";
import { balancer, host, https, record, testRefusals, vhosts, zone } from "./refused.ts";

testRefusals("the flake", [
  [
    "has no such system",
    withHost({ system: "wob" }),
    [[`${host}.system`, "the flake . has no berth.hosts.wob; it has web, pi"]],
  ],
  [
    "has a system named like a built-in property",
    withHost({ system: "constructor" }),
    [[`${host}.system`, "the flake . has no berth.hosts.constructor; it has web, pi"]],
  ],
  [
    "has no hosts",
    withHost(),
    [[`${host}.system`, "the flake . has no berth.hosts.web; it has none"]],
    { manifest: {} },
  ],
  [
    "does not serve the domain",
    withHost({ domain: "shop.example.org" }),
    [
      [
        `${host}.domain`,
        "shop.example.org is not among the flake's berth.hosts.web.virtualHosts: www.example.org, *.example.net; add it there, or name one of these here",
      ],
    ],
    vhosts("www.example.org", "*.example.net"),
  ],
  [
    "would format a volume",
    withHost(),
    [
      [
        `${host}.system`,
        "the flake's berth.hosts.web.disks.data is /dev/disk/by-id/scsi-0HC_Volume_12, a volume, and every installation would wipe it; take it out of disko's layout and mount it by fileSystems",
      ],
    ],
    { manifest: flake({ disks: { data: { device: "/dev/disk/by-id/scsi-0HC_Volume_12" } } }) },
  ],
]);

testRefusals("names and labels", [
  [
    "too long",
    withHosts({ ["a".repeat(32)]: {} }),
    [
      [
        `berth:hosts.${"a".repeat(32)}`,
        `its server would be "${"s".repeat(32)}-${"a".repeat(32)}", and a host name has 63 characters at most: shorten it by 2, or the stack's name`,
      ],
    ],
    { stack: "s".repeat(32) },
  ],
  [
    "of a stack with an underscore",
    withHost(),
    [
      [
        host,
        'its server would be "my_stack-web1", which is no host name, because the stack is named "my_stack": letters, digits and inner hyphens can be used',
      ],
    ],
    { stack: "my_stack" },
  ],
  [
    "that somebody else has",
    withHost(),
    [
      [
        host,
        'the project has a server "prod-web1" already that is not of this stack; name the host otherwise, or delete or rename that server',
      ],
    ],
    { takenNames: ["prod-web1"], running: running() },
  ],
  [
    "that are Berth's",
    withServer({ labels: { "berth-stack": "x", "berth-x": "", team: "y" } }),
    [
      [
        `${host}.server.labels.berth-stack`,
        "labels that begin with berth- are Berth's own: it finds by them what belongs to the stack",
      ],
      [`${host}.server.labels.berth-x`, "labels that begin with berth- are"],
    ],
  ],
]);

describe("a stack is planned", () => {
  test.each<[string, Raw, Partial<PlanInput>?]>([
    [
      "with a check at a port that a rule opens",
      withHost({
        firewall: [{ protocol: "tcp", port: "8000-8100" }],
        health: [{ http: "http://a.org:8080/" }],
      }),
    ],
    ["with a domain that a wildcard serves", withHost({ domain: "a.example.org" }), vhosts("*.example.org")],
    ["with a domain where the flake names no virtual hosts", withHost({ domain: "a.example.org" }), vhosts()],
    ["with IPv6 alone", withServer({ ipv4: false })],
    [
      "with ten servers in a group",
      withHosts(
        Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`h${n}`, server({ placement: "web" })])),
      ),
    ],
    [
      "with a target that only the private network reaches",
      { ...balancer({}, { network: {} }), hosts: { web1: { system: "web", ...server({ ipv4: false }) } } },
    ],
    [
      "with https and a redirect",
      balancer(
        {
          services: [{ ...https, redirect: true, sticky: true, health: { path: "/" } }],
          domains: ["www.example.org"],
        },
        zone([]),
      ),
      vhosts("*.example.org"),
    ],
    [
      "with name servers of a part of the zone",
      withHost(
        {},
        {
          dns: {
            "example.org": { records: [record("shop", "NS", "ns.example.com.")] },
            "shop.example.org": {},
          },
        },
      ),
    ],
    ["with a name that is taken by its own server", withHost(), { takenNames: [] }],
  ])("%s", (_, raw, input) => {
    expect(plan(raw, input).hosts.length).toBeGreaterThan(0);
  });

  test("with all mistakes told at once, whatever part they are of", () => {
    const raw = {
      ...balancer(
        { targets: ["web9"] },
        { ...zone([record("www", "A", "x")]), network: { range: "8.0.0.0/24" } },
      ),
      hosts: { web1: { system: "web", ...server({ type: "cx99" }) }, web2: { system: "wob", ...server() } },
    };
    expect(refusals(raw).map(({ path }) => path)).toEqual([
      "berth:hosts.web2.system",
      "berth:hosts.web1.server.type",
      "berth:network.range",
      "berth:loadBalancers.edge.targets.0",
      "berth:dns.example.org.records.0.values.0",
    ]);
  });

  test("and says which system each host runs, in the configuration's order", () => {
    const planned = plan(withHosts({ b: {}, a: {} }));
    expect(planned.hosts.map(({ name, manifest }) => [name, manifest])).toEqual([
      ["b", webManifest],
      ["a", webManifest],
    ]);
    expect(planned).toMatchObject({ networkZone: null, currency: "EUR", loginKeys: {}, dns: {} });
    expect(plan(withHost({}, { network: {} })).networkZone).toBe("eu-central");
  });
});
