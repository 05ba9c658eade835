import { describe, expect, test } from "vitest";
import { plan, refusals, withHost } from "../samples.ts";
import { balancer, record, testRefusals, vhosts, zone } from "./refused.ts";

const records = "berth:dns.example.org.records";

testRefusals("a zone", [
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
]);

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
