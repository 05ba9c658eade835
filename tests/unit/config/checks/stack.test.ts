import { describe, expect, test } from "vitest";
import type { PlanInput } from "../../../../config/plan-stack.ts";
import {
  existing,
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

const host = "berth:hosts.web1";
const both = (text: string) => expect.stringContaining(text) as never;
const balancer = (changes: Raw = {}, more: Raw = {}) =>
  withHost(
    {},
    {
      loadBalancers: {
        edge: {
          location: "fsn1",
          targets: ["web1"],
          services: [{ protocol: "http", port: 80, targetPort: 80 }],
          ...changes,
        },
      },
      ...more,
    },
  );
const edge = "berth:loadBalancers.edge";
const service = (changes: Raw = {}) => ({
  services: [{ protocol: "tcp", port: 25, targetPort: 80, ...changes }],
});
const https = { protocol: "https", port: 443, targetPort: 80 };
const zone = (records: Raw[], more: Raw = {}, domain = "example.org") => ({
  dns: { [domain]: { records, ...more } },
});
const record = (name: string, type: string, ...values: string[]) => ({ name, type, values });
const records = "berth:dns.example.org.records";
const vhosts = (...names: string[]) => ({
  manifest: flake({ virtualHosts: names.map((name) => ({ name, tls: true })) }),
});

/** What is asked, and each problem with its path and a part of its message. */
type Case = [what: string, raw: Raw, problems: [path: string, message: string][], input?: Partial<PlanInput>];

const cases: Record<string, Case[]> = {
  "the flake": [
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
    [
      "encrypts its disk",
      withHost(),
      [
        [
          `${host}.system`,
          "the flake's berth.hosts.web.encryption wants a passphrase for the disk, and a stack cannot give one yet; install this host by hand as docs/disk-layouts.md says, or take the layout luks out of the flake",
        ],
      ],
      {
        manifest: flake({
          encryption: {
            keyFile: "/tmp/disk.key",
            unlock: {
              port: 2222,
              hostKeyFile: "/etc/ssh/unlock_host_ed25519_key",
              authorizedKeysFile: "/root/.ssh/authorized_keys",
            },
          },
        }),
      },
    ],
  ],
  "names and labels": [
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
  ],
  "firewall rules": [
    [
      "without a port",
      withHost({ firewall: [{ protocol: "tcp" }, { protocol: "udp" }] }),
      [
        [`${host}.firewall.0.port`, "is missing; a rule for tcp needs one"],
        [`${host}.firewall.1.port`, "is missing; a rule for udp needs one"],
      ],
    ],
    [
      "with a port where there is none",
      withHost({ firewall: [{ protocol: "icmp", port: "80" }] }),
      [[`${host}.firewall.0.port`, '"80": icmp has no ports; leave it out']],
    ],
    [
      "with a range upside down",
      withHost({ firewall: [{ protocol: "tcp", port: "90-80" }] }),
      [[`${host}.firewall.0.port`, '"90-80": a range begins with its smaller port']],
    ],
    [
      "beyond the last port",
      withHost({ firewall: [{ protocol: "tcp", port: "65530-65536" }] }),
      [[`${host}.firewall.0.port`, '"65530-65536": a port is 65535 at most']],
    ],
    [
      "more than a firewall has",
      withHost({
        firewall: Array.from({ length: 47 }, (_, n) => ({ protocol: "tcp", port: String(1000 + n) })),
      }),
      [
        [
          `${host}.firewall`,
          "47 rules here, 3 ports of the flake's berth.hosts.web.ports and ping are 51 rules, and Hetzner's firewall has 50 at most",
        ],
      ],
    ],
    [
      "with more networks than a rule has",
      withHost({
        firewall: [{ protocol: "icmp", networks: Array.from({ length: 101 }, (_, n) => `10.0.${n}.0/24`) }],
      }),
      [[`${host}.firewall.0.networks`, "101 networks; a rule has 100 at most: split it"]],
    ],
    [
      "for ssh from more networks than a rule has",
      withHost({}, { access: { from: Array.from({ length: 101 }, (_, n) => `10.0.${n}.0/24`) } }),
      [["berth:access.from", "101 networks; a rule of Hetzner's firewall has 100 at most: name larger ones"]],
    ],
  ],
  "health checks": [
    [
      "of the stack at a port that is shut",
      withHost({ health: [{ http: "http://a.org:8080/" }] }),
      [
        [
          `${host}.health.0`,
          "http://a.org:8080/ asks port 8080, which is in neither the flake's berth.hosts.web.ports.tcp (80, 443) nor berth:hosts.web1.firewall",
        ],
      ],
    ],
    [
      "of the flake at a port that is shut",
      withHost(),
      [
        [
          `${host}.firewall`,
          "the flake's berth.hosts.web.health.0 asks https://a.org:8443/, and port 8443 is in neither the flake's berth.hosts.web.ports.tcp (80, 443) nor berth:hosts.web1.firewall",
        ],
      ],
      { manifest: flake({ health: [{ https: "https://a.org:8443/", status: 200 }] }) },
    ],
    [
      "at a port opened for udp or outwards alone",
      withHost({
        firewall: [
          { protocol: "udp", port: "8080" },
          { direction: "out", protocol: "tcp", port: "8080" },
        ],
        health: [{ http: "http://a.org:8080/" }],
      }),
      [[`${host}.health.0`, "asks port 8080"]],
    ],
    [
      "over a family the server has not",
      withHost({ ...server({ ipv6: false }), health: [{ http: "http://[2001:db8::1]/" }] }),
      [[`${host}.health.0`, "http://[2001:db8::1]/ is IPv6, and berth:hosts.web1.server.ipv6 is false"]],
    ],
  ],
  "what hangs on a server": [
    [
      "no address at all",
      withServer({ ipv4: false, ipv6: false }),
      [
        [
          `${host}.server`,
          "ipv4 and ipv6 are both false, and then nobody reaches the server to install it; keep one of them",
        ],
      ],
    ],
    [
      "more volumes than it has places",
      withHost({ volumes: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`v${n}`, 10])) }),
      [[`${host}.volumes`, "17 volumes; a server has 16 at most: make fewer and larger ones"]],
    ],
    [
      "the same of a machine ordered elsewhere",
      withHost(
        {
          ...existing,
          volumes: { data: 10 },
          firewall: [{ protocol: "icmp" }],
          reverseDns: "a.org",
          privateAddress: "10.0.0.2",
        },
        { network: {} },
      ),
      [
        [`${host}.firewall`, "berth:hosts.web1 is an existing machine: the cloud's firewall stands before"],
        [`${host}.volumes`, "volumes are attached to servers that this stack orders"],
        [`${host}.privateAddress`, "the private network joins"],
        [`${host}.reverseDns`, "set it where the machine was ordered"],
        ["berth:network", "a private network joins servers of this stack, and it has none"],
      ],
    ],
    [
      "a group with too many",
      withHosts(
        Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`h${n}`, server({ placement: "web" })])),
      ),
      [
        [
          "berth:hosts.h10.server.placement",
          "web would have 11 servers, and a placement group has 10 at most; use a second one",
        ],
      ],
    ],
  ],
  "a private network": [
    [
      "that is public",
      withHost({}, { network: { range: "8.8.8.0/24" } }),
      [
        [
          "berth:network.range",
          "8.8.8.0/24 is not private; it has to lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16",
        ],
      ],
    ],
    [
      "that is larger than a private range",
      withHost({}, { network: { range: "172.0.0.0/8" } }),
      [["berth:network.range", "172.0.0.0/8 is not private"]],
    ],
    [
      "named by an address inside it",
      withHost({}, { network: { range: "10.0.0.5/16" } }),
      [
        [
          "berth:network.range",
          "10.0.0.5/16 is an address inside a network; the network is named by its first one",
        ],
      ],
    ],
    [
      "too small",
      withHost({}, { network: { range: "10.0.0.0/25" } }),
      [["berth:network.range", "10.0.0.0/25 is too small; Hetzner takes /24 and larger"]],
    ],
    [
      "with a subnet elsewhere",
      withHost({}, { network: { range: "10.0.0.0/16", subnet: "10.1.0.0/24" } }),
      [["berth:network.subnet", "10.1.0.0/24 does not lie in berth:network.range, 10.0.0.0/16"]],
    ],
    [
      "with too small a subnet",
      withHost({}, { network: { range: "10.0.0.0/16", subnet: "10.0.1.0/31" } }),
      [["berth:network.subnet", "10.0.1.0/31 is too small; Hetzner takes /30 and larger"]],
    ],
    [
      "with more members than addresses",
      withHosts({ a: {}, b: {}, c: {} }, { network: { subnet: "10.0.1.0/30" } }),
      [["berth:network.subnet", "10.0.1.0/30 has 2 addresses for 3 servers and load balancers"]],
    ],
    [
      "over two network zones",
      withHosts({ a: {}, b: server({ type: "ccx13", location: "ash" }) }, { network: {} }),
      [
        [
          "berth:hosts.b.server.location",
          "ash is in us-east, and the private network is in eu-central with fsn1 (berth:hosts.a.server.location): all have to be in one network zone; eu-central has fsn1, nbg1, hel1",
        ],
      ],
    ],
    [
      "that is not there for an address",
      withHost({ privateAddress: "10.0.0.2" }),
      [[`${host}.privateAddress`, "10.0.0.2: the stack has no berth:network for it"]],
    ],
    [
      "that an address is not in",
      withHost({ privateAddress: "10.1.0.2" }, { network: {} }),
      [[`${host}.privateAddress`, "10.1.0.2 does not lie in the subnet 10.0.0.0/16"]],
    ],
    [
      "whose gateway is asked for",
      withHost({ privateAddress: "10.0.0.1" }, { network: {} }),
      [
        [
          `${host}.privateAddress`,
          "10.0.0.1 is one of Hetzner's own: the first and the last address of 10.0.0.0/16, the gateway 10.0.0.1 and 172.31.1.1",
        ],
      ],
    ],
    [
      "whose first address is asked for",
      withHost({ privateAddress: "10.0.1.0" }, { network: { subnet: "10.0.1.0/24" } }),
      [[`${host}.privateAddress`, "10.0.1.0 is one of Hetzner's own"]],
    ],
    [
      "whose last address is asked for",
      withHost({ privateAddress: "10.0.1.255" }, { network: { subnet: "10.0.1.0/24" } }),
      [[`${host}.privateAddress`, "10.0.1.255 is one of Hetzner's own"]],
    ],
    [
      "where Hetzner's public gateway is asked for",
      withHost({ privateAddress: "172.31.1.1" }, { network: { range: "172.16.0.0/12" } }),
      [[`${host}.privateAddress`, "172.31.1.1 is one of Hetzner's own"]],
    ],
    [
      "with an address twice",
      withHosts({ a: { privateAddress: "10.0.0.2" }, b: { privateAddress: "10.0.0.2" } }, { network: {} }),
      [["berth:hosts.b.privateAddress", "10.0.0.2 is berth:hosts.a's already"]],
    ],
  ],
  "a load balancer": [
    [
      "of no type",
      balancer({ type: "lb99" }),
      [[`${edge}.type`, '"lb99" is not a type of load balancer; there are lb11, lb21, lb31']],
    ],
    ["nowhere", balancer({ location: "mars" }), [[`${edge}.location`, '"mars" is not a location']]],
    [
      "with more services than its type has",
      balancer({
        services: Array.from({ length: 6 }, (_, n) => ({ protocol: "tcp", port: 1000 + n, targetPort: 80 })),
      }),
      [[`${edge}.services`, "6 services; lb11 has 5 at most, lb21 has enough"]],
    ],
    [
      "to nobody of this stack",
      balancer({ targets: ["web9"] }),
      [[`${edge}.targets.0`, '"web9" is not a host of this stack; it has web1']],
    ],
    [
      "to a built-in property",
      balancer({ targets: ["constructor"] }),
      [[`${edge}.targets.0`, '"constructor" is not a host of this stack']],
    ],
    [
      "to a host twice",
      balancer({ targets: ["web1", "web1"] }),
      [[`${edge}.targets`, "web1 is named more than once"]],
    ],
    [
      "to an existing machine",
      {
        ...balancer({ targets: ["web1", "metal"] }),
        hosts: { web1: { system: "web", ...server() }, metal: existing },
      },
      [
        [
          `${edge}.targets.1`,
          "metal is an existing machine, and a load balancer leads to servers that this stack orders: web1",
        ],
      ],
    ],
    [
      "in another network zone",
      balancer({ location: "ash" }),
      [
        [
          `${edge}.targets.0`,
          "web1 is in fsn1 (eu-central), and the load balancer in ash (us-east): both have to be in one network zone",
        ],
      ],
    ],
    [
      "to a host without IPv4",
      { ...balancer(), hosts: { web1: { system: "web", ...server({ ipv4: false }) } } },
      [
        [
          `${edge}.targets.0`,
          "web1 has no IPv4 address (berth:hosts.web1.server.ipv4), and a load balancer speaks IPv4 to its targets; give it one, or a private network",
        ],
      ],
    ],
    [
      "to a port that is shut",
      balancer(service({ targetPort: 3000 })),
      [
        [
          `${edge}.services.0.targetPort`,
          "port 3000 of web1 is in neither the flake's berth.hosts.web.ports.tcp (80, 443) nor berth:hosts.web1.firewall",
        ],
      ],
    ],
    [
      "with a port twice",
      balancer({
        services: [
          { protocol: "tcp", port: 25, targetPort: 80 },
          { protocol: "tcp", port: 25, targetPort: 443 },
        ],
      }),
      [
        [
          `${edge}.services.1.port`,
          "port 25 is berth:loadBalancers.edge.services.0.port's already; a port has one service",
        ],
      ],
    ],
    [
      "with a redirect from a port that is taken",
      balancer(
        {
          services: [
            { protocol: "http", port: 80, targetPort: 80 },
            { ...https, redirect: true },
          ],
          domains: ["www.example.org"],
        },
        zone([]),
      ),
      [
        [
          `${edge}.services.1.redirect`,
          "port 80, where visitors come before they are sent on, is berth:loadBalancers.edge.services.0.port's already; a port has one service",
        ],
      ],
      vhosts("www.example.org"),
    ],
    [
      "with what tcp has not",
      balancer(service({ redirect: true, sticky: true, health: { path: "/" } })),
      [
        [`${edge}.services.0.redirect`, "sends visitors on to https, and this service is tcp"],
        [`${edge}.services.0.sticky`, "needs a cookie, so http or https; this service is tcp"],
        [
          `${edge}.services.0.health`,
          "asks over http, and this service is tcp; leave it out, and a connection is tried",
        ],
      ],
    ],
    [
      "with a certificate for nobody",
      balancer({ services: [https] }),
      [[`${edge}.domains`, "an https service gets its certificate for these names; name at least one"]],
    ],
    [
      "with a certificate that cannot be proven",
      balancer({ services: [https], domains: ["www.example.org"] }, { dns: { "example.net": {} } }),
      [
        [
          `${edge}.domains.0`,
          "www.example.org lies in none of berth:dns (example.net), and Hetzner's certificate is proven there",
        ],
      ],
      vhosts("www.example.org"),
    ],
    [
      "with a certificate that the zone forbids",
      balancer(
        { services: [https], domains: ["www.example.org"] },
        zone([], { certificateAuthorities: ["buypass.com"] }),
      ),
      [
        [
          "berth:dns.example.org.certificateAuthorities",
          "buypass.com: the certificate of berth:loadBalancers.edge.domains.0 comes from letsencrypt.org, which this forbids",
        ],
      ],
      vhosts("www.example.org"),
    ],
    [
      "for a name that no host answers to",
      balancer({ domains: ["www.example.org"] }),
      [
        [
          `${edge}.domains.0`,
          "www.example.org is not among the flake's berth.hosts.web.virtualHosts (site.lab), which web1 answers to",
        ],
      ],
    ],
  ],
  "a zone": [
    [
      "a name with the zone again",
      withHost({}, zone([record("www.example.org", "A", "1.2.3.4")])),
      [
        [
          `${records}.0.name`,
          '"www.example.org" is relative to the zone, so it would be www.example.org.example.org',
        ],
      ],
    ],
    [
      "a name of a zone below",
      withHost(
        {},
        { dns: { "example.org": { records: [record("www.shop", "A", "1.2.3.4")] }, "shop.example.org": {} } },
      ),
      [
        [
          `${records}.0.name`,
          "www.shop.example.org lies in berth:dns.shop.example.org, and nobody would find it here; put it there",
        ],
      ],
    ],
    [
      "a CNAME of the zone itself",
      withHost({}, zone([record("@", "CNAME", "a.org.")])),
      [[`${records}.0.type`, "the zone itself has other records, so it cannot be a CNAME"]],
    ],
    [
      "name servers of the zone itself",
      withHost({}, zone([record("@", "NS", "ns.a.org.")])),
      [[`${records}.0.type`, "the NS records of the zone itself are Hetzner's own"]],
    ],
    [
      "two values of a CNAME",
      withHost({}, zone([record("www", "CNAME", "a.org.", "b.org.")])),
      [[`${records}.0.values`, "2 values; a CNAME has one"]],
    ],
    [
      "a value twice",
      withHost({}, zone([record("www", "A", "1.2.3.4", "1.2.3.4")])),
      [[`${records}.0.values`, '"1.2.3.4" is there more than once']],
    ],
    [
      "a name and type twice",
      withHost({}, zone([record("www", "A", "1.2.3.4"), record("www", "A", "1.2.3.5")])),
      [
        [
          `${records}.1`,
          "www.example.org has A records in berth:dns.example.org.records.0 already; put all values there",
        ],
      ],
    ],
    [
      "a CNAME beside others",
      withHost({}, zone([record("www", "A", "1.2.3.4"), record("www", "CNAME", "a.org.")])),
      [
        [
          `${records}.1`,
          "www.example.org cannot have a CNAME beside other records, as berth:dns.example.org.records.0 and this would be",
        ],
      ],
    ],
    [
      "others beside a CNAME",
      withHost({}, zone([record("www", "CNAME", "a.org."), record("www", "TXT", "a")])),
      [[`${records}.1`, "www.example.org cannot have a CNAME beside other records"]],
    ],
    [
      "an address that follows from a host",
      withHost({}, zone([record("www", "A", "1.2.3.4")])),
      [
        [
          `${records}.0`,
          "www.example.org A follows from the virtual hosts of web1 in the flake already; leave this one out",
        ],
      ],
      vhosts("www.example.org"),
    ],
    [
      "a CNAME where an address follows from a host",
      withHost({}, zone([record("www", "CNAME", "a.org.")])),
      [
        [
          `${records}.0`,
          "www.example.org cannot be a CNAME beside its A record, which follows from the virtual hosts of web1 in the flake; leave this one out",
        ],
      ],
      vhosts("www.example.org"),
    ],
    [
      "authorities beside those of the zone",
      withHost({}, zone([record("@", "CAA", '0 issue "a.org"')])),
      [
        [
          `${records}.0`,
          "example.org CAA follows from berth:dns.example.org.certificateAuthorities already; set that to [] to write your own",
        ],
      ],
    ],
    [
      "an address that follows from a load balancer",
      balancer({ domains: ["www.example.org"] }, zone([record("www", "AAAA", "::1")])),
      [
        [
          `${records}.0`,
          "www.example.org AAAA follows from berth:loadBalancers.edge.domains already; leave this one out",
        ],
      ],
      vhosts("www.example.org"),
    ],
  ],
};

describe.each(Object.entries(cases))("%s", (_, rows) => {
  test.each(rows)("%s: refused with path and reason", (_what, raw, problems, input) => {
    expect(refusals(raw, input)).toEqual(
      problems.map(([path, message]) => expect.objectContaining({ path, message: both(message) })),
    );
  });
});

const hex = "ab".repeat(32);
describe("a record's value", () => {
  test.each<[type: string, good: string[], bad: string[]]>([
    ["A", ["203.0.113.7"], ["203.0.113", "2001:db8::1", "203.0.113.256", "203.0.113.7/24", "a.org"]],
    ["AAAA", ["2001:db8::1", "::"], ["203.0.113.7", "2001:db8::g", "2001:db8::1/64"]],
    [
      "CAA",
      ['0 issue "a.org"', '128 iodef "mailto:a@a.org"', '0 issue ";"'],
      ["0 issue a.org", '256 issue "a.org"', '0 "a.org"'],
    ],
    [
      "CNAME",
      ["www", "a.example.com.", "_dmarc.a.org."],
      ["a..org", "http://a.org", "a b", "-", ""].filter((one) => one !== ""),
    ],
    ["NS", ["ns1.example.com."], ["ns1.example.com/", "1.2.3.4 x"]],
    ["MX", ["10 mail.example.com.", "0 ."], ["mail.example.com.", "70000 mail.example.com.", "10 a b"]],
    ["SRV", ["0 5 5060 sip.example.com."], ["0 5 sip.example.com.", "0 5 70000 sip.example.com."]],
    ["TXT", ["v=spf1 -all", 'with "quotes"', "x".repeat(600)], ["a\nb", "x".repeat(4097)]],
    ["TLSA", [`3 1 1 ${hex}`], [`4 1 1 ${hex}`, "3 1 1 xyz", "3 1 1 abc"]],
    ["HTTPS", ['1 . alpn="h2"', "0 www.example.com."], ["alpn=h2", "1"]],
    ["SVCB", ["1 svc.example.com. port=8443"], ["svc.example.com."]],
  ])("of type %s has its own syntax", (type, good, bad) => {
    const problems = (value: string) => {
      try {
        plan(withHost({}, zone([record("x", type, value)], { certificateAuthorities: [] })));
        return [];
      } catch {
        return refusals(withHost({}, zone([record("x", type, value)], { certificateAuthorities: [] })));
      }
    };
    for (const value of good) expect(problems(value), value).toEqual([]);
    for (const value of bad)
      expect(problems(value), value).toEqual([
        expect.objectContaining({ path: `${records}.0.values.0`, example: expect.any(String) }),
      ]);
  });
});

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
