import fc from "fast-check";
import { expect, test } from "vitest";
import { formatZoneFile, parseZoneFile } from "../../../lab/cloud/zone-file.ts";
import { automaticRrsets, type RrsetFields } from "../../../lab/cloud/zone-records.ts";
import { type TestCloud, testCloud } from "./client.ts";

const head = `$ORIGIN example.com.
$TTL 1h
@ IN SOA hydrogen.ns.hetzner.com. dns.hetzner.com. ( 2024010100 ; serial
      86400 10800
      3600000 3600 )
@ IN 10800 NS hydrogen.ns.hetzner.com. ; a comment
  IN 10800 NS oxygen.ns.hetzner.com.
  10800 IN NS helium.ns.hetzner.de.
`;

const setsOf = (text: string) =>
  Object.fromEntries(
    parseZoneFile(text, "example.com").rrsets.map((set) => [
      `${set.name}/${set.type}`,
      { ttl: set.ttl, values: set.records.map(({ value }) => value) },
    ]),
  );

test("a zone file in BIND's form is read: parentheses, comments, owners left out, TTL and class in any order", () => {
  const sets = setsOf(`${head}
www 300 A 192.0.2.1
    300 A 192.0.2.2
MAIL.example.com. IN A 192.0.2.3
@ MX 10 mail
*.dev 1d12h CNAME www
txt TXT "one; two" "three (four)" ; five
`);
  expect(sets["@/SOA"]?.values).toEqual([
    "hydrogen.ns.hetzner.com. dns.hetzner.com. 2024010100 86400 10800 3600000 3600",
  ]);
  expect(sets["@/NS"]).toMatchObject({ ttl: 10_800, values: { length: 3 } });
  expect(sets["www/A"]).toEqual({ ttl: 300, values: ["192.0.2.1", "192.0.2.2"] });
  expect(sets["mail/A"]?.ttl).toBeNull();
  expect(sets["*.dev/CNAME"]).toEqual({ ttl: 129_600, values: ["www"] });
  expect(sets["txt/TXT"]?.values).toEqual(['"one; two" "three (four)"']);
  expect(parseZoneFile(head, "example.com").ttl).toBe(3600);
});

test.each([
  ["another origin", head.replace("example.com.", "example.org."), 1, /\$ORIGIN/],
  ["an include", `${head}$INCLUDE other`, 9, /not supported/],
  ["no SOA", head.replace(/@ IN SOA[^)]*\)\n/, ""), 1, /SOA/],
  ["a name server missing", head.replace(/ {2}IN 10800 NS oxygen.*\n/, ""), 1, /oxygen/],
  ["another class", `${head}www CH A 192.0.2.1`, 9, /class CH/],
  ["an unknown type", `${head}www LOC 1 2 3`, 9, /LOC/],
  ["a wrong value", `${head}www A 192.0.2`, 9, /IPv4/],
  ["a name outside", `${head}www.example.org. A 192.0.2.1`, 9, /outside/],
  ["a value twice", `${head}www A 192.0.2.1\nwww A 192.0.2.1`, 10, /twice/],
  ["two TTLs in a set", `${head}www 300 A 192.0.2.1\nwww 400 A 192.0.2.2`, 10, /same TTL/],
  ["a CNAME beside others", `${head}www A 192.0.2.1\nwww CNAME @`, 10, /CNAME/],
  ["two CNAMEs", `${head}www CNAME a\nwww CNAME b`, 10, /one record only/],
  ["the zone as a CNAME", `${head}@ CNAME www`, 9, /CNAME/],
  ["a short TTL", `${head}www 10 A 192.0.2.1`, 9, /TTL/],
  ["an open parenthesis", `${head}txt TXT ("one"`, 9, /parenthesis/],
  ["an open quote", `${head}txt TXT "one`, 9, /quoted/],
  ["a record without type", `${head}www 300`, 9, /no type/],
])("%s is refused with its line", (_, text, line, message) => {
  expect(() => parseZoneFile(text, "example.com")).toThrow(
    expect.objectContaining({ line, message: expect.stringMatching(message) }),
  );
});

test("what is written is read again as it was, but for comments", () => {
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
  const ttl = fc.option(fc.integer({ min: 60, max: 2_147_483_647 }));
  const text = fc.stringMatching(/^[ -~]{0,60}$/).map((inner) => `"${inner.replaceAll(/["\\]/g, "\\$&")}"`);
  const sets = fc.uniqueArray(
    fc.record({ name, ttl, values: fc.uniqueArray(text, { minLength: 1, maxLength: 4 }) }),
    {
      selector: (set) => set.name,
    },
  );
  fc.assert(
    fc.property(sets, fc.stringMatching(/^[ -~]{0,30}$/), (drawn, comment) => {
      const written: RrsetFields[] = [
        ...automaticRrsets(new Date()),
        ...drawn.map(({ name, ttl, values }) => ({
          name,
          ttl,
          type: "TXT" as const,
          labels: {},
          records: values.map((value) => ({ value, comment })),
        })),
      ];
      const zone = { name: "example.com", ttl: 600 };
      const bare = written.map((set) => ({
        ...set,
        records: set.records.map(({ value }) => ({ value, comment: "" })),
      }));
      expect(parseZoneFile(formatZoneFile(zone, written), zone.name)).toEqual({ ttl: 600, rrsets: bare });
    }),
  );
});

const importing = (cloud: TestCloud, zonefile: string) =>
  cloud.post("/zones/example.com/actions/import_zonefile", { zonefile });

test("an import replaces all record sets, takes over the TTL and never counts the serial down", async () => {
  const cloud = await testCloud({ now: () => new Date("2026-10-05T12:00:00Z") });
  await cloud.post("/zones", {
    name: "example.com",
    mode: "primary",
    ttl: 600,
    rrsets: [{ name: "old", type: "A", records: [{ value: "192.0.2.9" }] }],
  });
  const reply = await importing(cloud, `${head}www A 192.0.2.1\n`);
  expect(reply.at("action")).toMatchObject({ command: "import_zonefile" });
  expect((await cloud.get("/zones/example.com")).at("zone")).toMatchObject({ ttl: 3600, record_count: 5 });
  expect((await cloud.get("/zones/example.com/rrsets/old/A")).status).toBe(404);
  expect((await cloud.get("/zones/example.com/rrsets/@/SOA")).at("rrset.records.0.value")).toContain(
    " 2026100501 ",
  );
  expect((await cloud.get("/zones/example.com/zonefile")).at("zonefile")).toBe(
    [
      "$ORIGIN\texample.com.\n$TTL\t3600\n",
      "@\tIN\tSOA\thydrogen.ns.hetzner.com. dns.hetzner.com. 2026100501 86400 10800 3600000 3600\n",
      "@\tIN\t10800\tNS\thydrogen.ns.hetzner.com.\n@\tIN\t10800\tNS\toxygen.ns.hetzner.com.\n@\tIN\t10800\tNS\thelium.ns.hetzner.de.\n",
      "www\tIN\tA\t192.0.2.1\n",
    ].join("\n"),
  );
});

test("an import is refused by a protected record set and by a wrong file, and changes nothing then", async () => {
  const cloud = await testCloud();
  await cloud.post("/zones", { name: "example.com", mode: "primary", zonefile: `${head}www A 192.0.2.1\n` });
  const wrong = await importing(cloud, `${head}www A nowhere\n`);
  expect(wrong.at("error")).toMatchObject({
    code: "invalid_input",
    message: "zone file, line 9: A: 'nowhere' is not an IPv4 address",
  });
  await cloud.post("/zones/example.com/rrsets/www/A/actions/change_protection", { change: true });
  expect((await importing(cloud, head)).at("error.code")).toBe("protected");
  expect((await cloud.get("/zones/example.com/rrsets/www/A")).status).toBe(200);
});

test("a zone is ordered with a zone file, or with record sets, never with both", async () => {
  const cloud = await testCloud();
  const order = { name: "example.com", mode: "primary", zonefile: head };
  const rrsets = [{ name: "www", type: "A", records: [{ value: "192.0.2.1" }] }];
  expect((await cloud.post("/zones", { ...order, rrsets })).at("error.details.fields.0.name")).toBe("rrsets");
  expect((await cloud.post("/zones", { ...order, rrsets: [] })).at("zone.ttl")).toBe(3600);
});
