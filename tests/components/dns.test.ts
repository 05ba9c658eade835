import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { DnsRecords } from "../../components/dns-records.ts";
import { DnsZone, type DnsZoneArgs } from "../../components/dns-zone.ts";
import { firstAddress } from "../../components/hetzner-server.ts";
import { ReverseDns } from "../../components/reverse-dns.ts";
import type { AddressOf, DnsRecordPlan } from "../../config/dns.ts";
import { dependenciesOf, expectFamily, type MockOptions, only, settled, underMocks } from "./mocks.ts";

const zoneType = "hcloud:index/zone:Zone";
const rrset = "hcloud:index/zoneRrset:ZoneRrset";
const rdns = "hcloud:index/rdns:Rdns";

const makeZone = (changes: Partial<DnsZoneArgs> = {}) =>
  underMocks(
    () => new DnsZone("example.org", { domain: "example.org", ttl: 3600, labels: { a: "b" }, ...changes }),
  );

describe("a DnsZone", () => {
  test.each([true, false])("of this stack, protected: %s, is a zone of Hetzner's", async (protect) => {
    const { seen, value } = await makeZone({ protect });
    const zone = only(seen, zoneType);
    expect(zone.inputs).toEqual({
      name: "example.org",
      mode: "primary",
      ttl: 3600,
      deleteProtection: protect,
      labels: { a: "b" },
    });
    expect([zone.protect ?? false, zone.deleteBeforeReplace]).toEqual([protect, true]);
    expect(await settled(value.nameservers)).toEqual(["helium.ns.example."]);
  });

  test("that is there already is left alone", async () => {
    const { seen, value } = await makeZone({ create: false });
    expect(seen.resources.map(({ type }) => type)).toEqual(["berth:hetzner:DnsZone"]);
    expect(await settled(value.domain)).toBe("example.org");
    expect(await settled(value.nameservers)).toEqual([]);
  });
});

const record = (changes: Partial<DnsRecordPlan>): DnsRecordPlan => ({
  name: "www",
  type: "A",
  ttl: null,
  values: [],
  addresses: [],
  ...changes,
});
const known: Record<string, [ipv4: string, ipv6: string]> = {
  web1: ["203.0.113.1", "2001:db8:1::1"],
  web2: ["203.0.113.2", "2001:db8:2::1"],
  front: ["203.0.113.99", "2001:db8:99::1"],
};
const addressesOf = (whose: AddressOf) => {
  const [ipv4 = "", ipv6 = ""] = known["host" in whose ? whose.host : whose.loadBalancer] ?? [];
  return { ipv4Address: pulumi.output(ipv4), ipv6Address: pulumi.output(ipv6) };
};
const makeRecords = (records: DnsRecordPlan[], create = true, options?: MockOptions, protect = false) =>
  underMocks(() => {
    const zone = new DnsZone("example.org", { domain: "example.org", ttl: 3600, create, protect });
    const labels = { a: "b" };
    return new DnsRecords("example.org-records", { zone, records, addressesOf, labels, protect });
  }, options);

describe("the records of a zone", () => {
  test.each<[string, Partial<DnsRecordPlan>, object]>([
    [
      "lead to all hosts of a name by IPv4",
      { addresses: [{ host: "web1" }, { host: "web2" }] },
      { records: [{ value: "203.0.113.1" }, { value: "203.0.113.2" }] },
    ],
    [
      "lead to them by IPv6",
      { type: "AAAA", addresses: [{ host: "web1" }, { host: "web2" }] },
      { type: "AAAA", records: [{ value: "2001:db8:1::1" }, { value: "2001:db8:2::1" }] },
    ],
    [
      "lead to a load balancer",
      { addresses: [{ loadBalancer: "front" }] },
      { records: [{ value: "203.0.113.99" }] },
    ],
    [
      "have what was written beside what follows, each once",
      { values: ["198.51.100.1"], addresses: [{ host: "web1" }, { host: "web1" }] },
      { records: [{ value: "198.51.100.1" }, { value: "203.0.113.1" }] },
    ],
    [
      "are kept for as long as they say",
      { name: "@", type: "TXT", ttl: 60, values: ['"v=spf1 -all"'] },
      { name: "@", type: "TXT", ttl: 60, records: [{ value: '"v=spf1 -all"' }] },
    ],
    [
      "may be for all names below",
      { name: "*", addresses: [{ host: "web1" }] },
      { name: "*", records: [{ value: "203.0.113.1" }] },
    ],
  ])("%s", async (_, changes, expected) => {
    const { seen } = await makeRecords([record(changes)]);
    expectFamily(seen, "example.org", "example.org-records");
    const { inputs, deleteBeforeReplace, deletedWith } = only(seen, rrset);
    expect(inputs).toEqual({ zone: "example.org", name: "www", type: "A", labels: { a: "b" }, ...expected });
    expect([deleteBeforeReplace, deletedWith]).toEqual([true, only(seen, zoneType).urn]);
  });

  test("are one resource a name and type, and outlive no zone of this stack", async () => {
    const { seen, value } = await makeRecords([
      record({ values: ["198.51.100.1"] }),
      record({ type: "AAAA", values: ["2001:db8::1"] }),
      record({ name: "@", values: ["198.51.100.1"] }),
    ]);
    expect(Object.keys(value.nodes)).toEqual(["www A", "www AAAA", "@ A"]);
    for (const { type, name, ...one } of seen.resources)
      if (type === rrset)
        expect([name, dependenciesOf({ type, name, ...one })]).toEqual([name, ["example.org-zone"]]);
  });

  test.each([
    ["somebody else's", false, false],
    ["kept", true, true],
  ])("of a zone that is %s are deleted one by one", async (_, create, protect) => {
    const { seen } = await makeRecords([record({ values: ["198.51.100.1"] })], create, undefined, protect);
    expect(only(seen, rrset)).toMatchObject({ deletedWith: "", inputs: { zone: "example.org" } });
  });
});

describe("what addresses resolve back to", () => {
  test("belongs to the primary addresses, of an IPv6 network to its first", async () => {
    const { seen, value } = await underMocks(() => {
      const ip = (type: string) => new hcloud.PrimaryIp(type, { type });
      const args = { domain: "mail.example.org", ipv4: ip("ipv4"), ipv6: ip("ipv6"), protect: false };
      return { args, made: new ReverseDns("web1-reverse-dns", args) };
    });
    for (const [type, ipAddress] of [
      ["ipv4", "203.0.113.7"],
      ["ipv6", "2001:db8::1"],
    ] as const) {
      const pointer = only(seen, rdns, `web1-reverse-dns-${type}`);
      expect(pointer.inputs).toEqual({
        primaryIpId: Number(await settled(value.args[type].id)),
        ipAddress,
        dnsPtr: "mail.example.org",
      });
      expect(pointer.deleteBeforeReplace).toBe(true);
      expect(pointer.deletedWith).toBe(seen.resources.find(({ name }) => name === type)?.urn);
    }
  });

  test("is nothing for a family that a server has not", async () => {
    const { seen } = await underMocks(
      () =>
        new ReverseDns("r", { domain: "a.example.org", ipv4: new hcloud.PrimaryIp("ip", { type: "ipv4" }) }),
    );
    expect(only(seen, rdns).name).toBe("r-ipv4");
  });

  test.each([
    ["2001:db8:1:2::/64", "2001:db8:1:2::1"],
    ["2001:db8::/64", "2001:db8::1"],
  ])("%s is known by %s", (network, address) => {
    expect(firstAddress(network)).toBe(address);
  });
});
