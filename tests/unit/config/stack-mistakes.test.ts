import { expect, test } from "vitest";
import type { Problem } from "../../../config/problems.ts";
import { refused } from "./read-stack.ts";
import { adasKey, plainHost, type Raw, withHost, withServer } from "./samples.ts";

const withAccess = (access: unknown) => ({ ...withHost(), access });

test.each<[string, Raw, Problem]>([
  [
    "no hosts",
    {},
    {
      path: "berth:hosts",
      message: "is missing; at least one host, or something under berth:containers or berth:fly",
      example: "{ web1: { system: web, server: { type: cx23, location: fsn1 } } }",
    },
  ],
  [
    "an empty map of hosts",
    { hosts: {} },
    {
      path: "berth:hosts",
      message: "at least one host, or something under berth:containers or berth:fly",
      example: expect.stringContaining("web1:"),
    },
  ],
  [
    "hosts as text",
    { hosts: "web1" },
    {
      path: "berth:hosts",
      message: "a map is needed, this is a text",
      example: expect.stringContaining("web1:"),
    },
  ],
  [
    "an unknown key at the top",
    { ...withHost(), acces: {} },
    {
      path: "berth:acces",
      message:
        "there is no such key; there are flake, access, hosts, secrets, network, dns, loadBalancers, containers, fly, flyToken, builds, rollout, protect, shortLived",
    },
  ],
  [
    "an unknown key of a host",
    withHost({ disks: { data: 20 } }),
    {
      path: "berth:hosts.web1.disks",
      message:
        "there is no such key; there are system, buildOn, server, existing, identity, reinstall, adopt, firewall, volumes, privateAddress, disk, reverseDns, domain, secrets, health, drift, reboot, release, healthyFor, healthDeadline",
    },
  ],
  [
    "an unknown key of a server",
    withServer({ size: 3 }),
    {
      path: "berth:hosts.web1.server.size",
      message:
        "there is no such key; there are type, location, image, ipv4, ipv6, backups, deleteBackups, placement, labels, sshKeys",
    },
  ],
  [
    "an unknown key of a health check",
    withHost({ health: [{ http: "http://a.org/", code: 3 }] }),
    {
      path: "berth:hosts.web1.health.0.code",
      message: "there is no such key; there are http, https, tcp, unit, command, status, body, timeout",
    },
  ],
  [
    "a number as flake",
    { ...withHost(), flake: 3 },
    { path: "berth:flake", message: "a text is needed, this is a number", example: "." },
  ],
  [
    "a text as protect",
    { ...withHost(), protect: "yes" },
    { path: "berth:protect", message: "true or false is needed, this is a text", example: "false" },
  ],
  [
    "nothing as protect",
    { ...withHost(), protect: null },
    { path: "berth:protect", message: "true or false is needed, this is empty", example: "false" },
  ],
  [
    "a host without a system",
    { hosts: { web1: { server: plainHost.server } } },
    { path: "berth:hosts.web1.system", message: "is missing; a text is needed", example: "web" },
  ],
  [
    "a host without a server",
    { hosts: { web1: { system: "web" } } },
    { path: "berth:hosts.web1", message: "exactly one of server and existing" },
  ],
  [
    "a host name that is no host name",
    { hosts: { Web_1: plainHost } },
    {
      path: "berth:hosts.Web_1",
      message: "a host is named by 1 to 32 letters a-z, digits and inner hyphens",
      example: "web1",
    },
  ],
  [
    "no location",
    { hosts: { web1: { system: "web", server: { type: "cx23" } } } },
    {
      path: "berth:hosts.web1.server.location",
      message: "is missing; a text is needed",
      example: "fsn1",
    },
  ],
  [
    "an image by number",
    withServer({ image: 3 }),
    {
      path: "berth:hosts.web1.server.image",
      message: "a text is needed, this is a number",
      example: "debian-13",
    },
  ],
  [
    "an image by no name",
    withServer({ image: "Debian 13" }),
    {
      path: "berth:hosts.web1.server.image",
      message: "the name of a system image",
      example: "debian-13",
    },
  ],
  ...(
    [
      "https://example.org",
      "example.org/shop",
      "EXAMPLE.org",
      "localhost",
      "203.0.113.7",
      "-a.org",
      "a..org",
    ] as const
  ).map((domain): [string, Raw, Problem] => [
    `the domain ${domain}`,
    withHost({ domain }),
    {
      path: "berth:hosts.web1.domain",
      message: "a domain in lower case, without scheme or path",
      example: "example.org",
    },
  ]),
  [
    "a domain that is too long",
    withHost({ domain: `${"a.".repeat(140)}org` }),
    { path: "berth:hosts.web1.domain", message: expect.stringContaining("253"), example: "example.org" },
  ],
  [
    "a network that is none",
    withAccess({ from: ["203.0.113.0/40"] }),
    {
      path: "berth:access.from.0",
      message: "a network such as 203.0.113.0/24 or 2001:db8::/32",
      example: "203.0.113.0/24",
    },
  ],
  [
    "an address without its network",
    withAccess({ from: ["203.0.113.7"] }),
    {
      path: "berth:access.from.0",
      message: "a network such as 203.0.113.0/24 or 2001:db8::/32",
      example: "203.0.113.0/24",
    },
  ],
  [
    "a person without a key",
    withAccess({ people: { ada: [] } }),
    { path: "berth:access.people.ada", message: "at least one public key" },
  ],
  [
    "a private key among the public ones",
    withAccess({ people: { ada: ["-----BEGIN OPENSSH PRIVATE KEY-----"] } }),
    {
      path: "berth:access.people.ada.0",
      message: "a public key in OpenSSH's one-line form",
      example: "ssh-ed25519 AAAA… ada@example.org",
    },
  ],
  [
    "a key with a second line",
    withAccess({ people: { ada: [`${adasKey}\nssh-ed25519 AAAA mallory`] } }),
    {
      path: "berth:access.people.ada.0",
      message: "a public key in OpenSSH's one-line form",
      example: "ssh-ed25519 AAAA… ada@example.org",
    },
  ],
  [
    "a health check over http to https",
    withHost({ health: [{ http: "https://example.org/" }] }),
    {
      path: "berth:hosts.web1.health.0.http",
      message: "a URL that begins with http://",
      example: "http://example.org/healthz",
    },
  ],
  [
    "a status that is none",
    withHost({ health: [{ http: "http://example.org/", status: 700 }] }),
    {
      path: "berth:hosts.web1.health.0.status",
      message: "an HTTP status from 100 to 599",
      example: "204",
    },
  ],
  [
    "a health check of nothing",
    withHost({ health: [{}] }),
    { path: "berth:hosts.web1.health.0", message: "exactly one of http, https, tcp, unit and command" },
  ],
  ...([0, 3601, 1.5, "60"] as const).map((healthDeadline): [string, Raw, Problem] => [
    `${JSON.stringify(healthDeadline)} as the time to become healthy`,
    withHost({ healthDeadline }),
    {
      path: "berth:hosts.web1.healthDeadline",
      message: "a whole number of seconds from 1 to 3600",
      example: "60",
    },
  ]),
  ...(
    [
      [
        "both a server and an existing machine",
        { existing: { address: "198.51.100.7", hostKey: adasKey } },
        "",
        "exactly one of server and existing",
      ],
      [
        "a volume that is too small",
        { volumes: { data: 9 } },
        ".volumes.data",
        "a whole number of GB from 10 to 10240",
      ],
      [
        "a volume that is too large",
        { volumes: { data: 10_241 } },
        ".volumes.data",
        "a whole number of GB from 10 to 10240",
      ],
      [
        "a volume of half a GB",
        { volumes: { data: 10.5 } },
        ".volumes.data",
        "a whole number of GB from 10 to 10240",
      ],
      [
        "a rule of no protocol",
        { firewall: [{ protocol: "sctp" }] },
        ".firewall.0.protocol",
        "one of tcp, udp, icmp, esp, gre",
      ],
      [
        "a label of Hetzner's own",
        { server: { ...plainHost.server, labels: { "hetzner.cloud/a": "b" } } },
        ".server.labels.hetzner.cloud/a",
        expect.stringContaining("does not begin with hetzner.cloud/"),
      ],
      [
        "a label's value with a space",
        { server: { ...plainHost.server, labels: { team: "a b" } } },
        ".server.labels.team",
        expect.stringContaining("a label's value has up to 63"),
      ],
    ] as const
  ).map(([what, changes, at, message]): [string, Raw, Problem] => [
    what,
    withHost(changes),
    expect.objectContaining({ path: `berth:hosts.web1${at}`, message }),
  ]),
  ...(
    [
      [
        "a network that is none",
        { network: { range: "10.0.0.0" } },
        "network.range",
        "a network such as 10.0.0.0/16",
      ],
      [
        "a zone that is no domain",
        { dns: { Example: {} } },
        "dns.Example",
        expect.stringContaining("a domain in lower case"),
      ],
      [
        "a record of an unknown type",
        { dns: { "a.org": { records: [{ name: "@", type: "SPF", values: ["x"] }] } } },
        "dns.a.org.records.0.type",
        expect.stringContaining("one of A, AAAA, "),
      ],
      [
        "a record without values",
        { dns: { "a.org": { records: [{ name: "@", type: "A", values: [] }] } } },
        "dns.a.org.records.0.values",
        "at least one value",
      ],
      [
        "a record whose name is a URL",
        { dns: { "a.org": { records: [{ name: "http://x", type: "A", values: ["1.2.3.4"] }] } } },
        "dns.a.org.records.0.name",
        "a name below the zone, @ or *",
      ],
      [
        "a load balancer without services",
        { loadBalancers: { edge: { location: "fsn1", targets: ["web1"], services: [] } } },
        "loadBalancers.edge.services",
        "at least one service",
      ],
    ] as const
  ).map(([what, more, at, message]): [string, Raw, Problem] => [
    what,
    { ...withHost(), ...more },
    expect.objectContaining({ path: `berth:${at}`, message }),
  ]),
])(
  "a stack's configuration with %s is refused with the path, what is allowed and an example",
  (_, raw, problem) => {
    expect(refused(raw)).toEqual([problem]);
  },
);
