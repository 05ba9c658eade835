import { expect, test } from "vitest";
import { rrsetNameProblem } from "../../../lab/cloud/dns-names.ts";
import { type RrsetType, valueProblem } from "../../../lab/cloud/dns-values.ts";
import { formatZoneFile } from "../../../lab/cloud/zone-file.ts";
import { automaticRrsets } from "../../../lab/cloud/zone-records.ts";
import { zoneComplaints } from "./zone-check.ts";

const sha256 = "2BB183AF2E6C4A0F9E8E2D5C1F0F4E6B7A8C9D0E1F2A3B4C5D6E7F8091A2B3C4";
const sha1 = sha256.slice(0, 40);
const label63 = "a".repeat(63);

const good: [RrsetType, string][] = [
  ["A", "192.0.2.1"],
  ["AAAA", "2001:db8::1"],
  ["AAAA", "2001:DB8:0:0:0:0:0:1"],
  ["AAAA", "::ffff:192.0.2.1"],
  ["CAA", '0 issue "letsencrypt.org"'],
  ["CAA", '128 issuewild ";"'],
  ["CAA", '0 issue "ca.example; validationmethods=dns-01"'],
  ["CAA", "0 iodef mailto:security@example.org"],
  ["CNAME", "www"],
  ["CNAME", "www.example.org."],
  ["CNAME", "@"],
  ["CNAME", "_domainconnect.Example.org."],
  ["DS", `60485 5 1 ${sha1}`],
  ["DS", `60485 8 2 ${sha256.slice(0, 32)} ${sha256.slice(32)}`],
  ["HINFO", '"PC Intel 700mhz" Linux'],
  ["HTTPS", "1 . alpn=h2,h3"],
  ["HTTPS", '1 . alpn="h3,h2" port=8443 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1'],
  ["HTTPS", "0 www"],
  ["SVCB", "16 svc.example.org. mandatory=alpn,port alpn=bar port=8004"],
  ["SVCB", "1 svc key667=hello"],
  ["SVCB", "1 svc alpn=h2 no-default-alpn"],
  ["MX", "10 mail"],
  ["MX", "0 ."],
  ["NS", "ns1.example.org."],
  ["PTR", "host.example.org."],
  ["RP", "mbox.example.org. trouble"],
  ["RP", "first\\.last.example.org. ."],
  ["SRV", "10 60 5060 sip.example.org."],
  ["TLSA", `3 1 1 ${sha256}`],
  ["TLSA", "3 1 0 DEADBEEF"],
  ["TXT", '"v=spf1 include:_spf.example.net ~all"'],
  ["TXT", '"one; (two)" "three"'],
  ["TXT", '"with \\"quotes\\" and \\\\ and \\195\\164"'],
  ["TXT", `"${"x".repeat(255)}"`],
  ["TXT", '""'],
];

test.each(good)("%s %s is good", (type, value) => {
  expect(valueProblem(type, value, "example.com")).toBeUndefined();
});

test("a name server loads all that is good", () => {
  const sets = good.map(([type, value], index) => ({
    name: `n${index}`,
    type,
    ttl: 300,
    labels: {},
    records: [{ value, comment: index % 2 ? "a comment; with (signs)" : "" }],
  }));
  const text = formatZoneFile({ name: "example.com", ttl: 3600 }, [...automaticRrsets(new Date()), ...sets]);
  expect(zoneComplaints([{ name: "example.com", text }])).toEqual([]);
});

test.each([
  ["A", "192.0.2"],
  ["A", "2001:db8::1"],
  ["A", "192.0.2.1 192.0.2.2"],
  ["AAAA", "192.0.2.1"],
  ["AAAA", "fe80::1%eth0"],
  ["CAA", '256 issue "letsencrypt.org"'],
  ["CAA", "0 letsencrypt.org"],
  ["CAA", '0 is-sue "letsencrypt.org"'],
  ["CAA", "0 issue ca.example; validationmethods=dns-01"],
  ["CNAME", "not a name"],
  ["CNAME", "-.."],
  ["CNAME", `${label63}a.example.org.`],
  ["CNAME", `${`${label63}.`.repeat(4)}org.`],
  ["CNAME", ""],
  ["DS", `60485 5 1 ${sha256}`],
  ["DS", "60485 5 1"],
  ["DS", "60485 5 1 xyz"],
  ["HINFO", "Linux"],
  ["HTTPS", "1"],
  ["HTTPS", "1 . alpn"],
  ["HTTPS", "1 . port=70000"],
  ["HTTPS", "1 . ipv4hint=2001:db8::1"],
  ["HTTPS", "1 . colour=blue"],
  ["HTTPS", "0 www alpn=h2"],
  ["SVCB", "1 . mandatory=alpn"],
  ["SVCB", "1 . port=1 port=2"],
  ["SVCB", "1 . no-default-alpn"],
  ["MX", "mail"],
  ["MX", "65536 mail"],
  ["MX", "10 mail extra"],
  ["NS", "ns1!"],
  ["RP", "mbox.example.org."],
  ["SOA", "ns hostmaster 1 2 3 4"],
  ["SRV", "10 60 sip.example.org."],
  ["TLSA", `4 1 1 ${sha256}`],
  ["TLSA", `3 1 2 ${sha256}`],
  ["TXT", "v=spf1 ~all"],
  ["TXT", '"one" two'],
  ["TXT", '"not closed'],
  ["TXT", `"${"x".repeat(256)}"`],
  ["TXT", '"\\999"'],
  ["TXT", '"two\nlines"'],
  ["TXT", '"one" ; a comment'],
  ["TXT", '("one")'],
] as [RrsetType, string][])("%s %s is wrong", (type, value) => {
  expect(valueProblem(type, value, "example.com")).toMatch(/\S/);
});

test.each([
  ["@", true],
  ["www", true],
  ["a.b.c", true],
  ["*", true],
  ["*.dev", true],
  ["_acme-challenge.www", true],
  ["xn--4bi", true],
  ["", false],
  ["WWW", false],
  ["www.", false],
  ["www.example.com", false],
  ["example.com", false],
  ["dev.*", false],
  ["w*", false],
  ["a..b", false],
  ["ä", false],
  ["a b", false],
  [label63, true],
  [`${label63}a`, false],
  [`${`${label63}.`.repeat(3)}${"a".repeat(63)}`, false],
])("the name %j of a record set is good: %s", (name, good) => {
  expect(rrsetNameProblem(name, "example.com") === undefined).toBe(good);
});
