import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AcmeServer } from "../../../lab/cloud/acme.ts";
import { caaAllows } from "../../../lab/cloud/caa.ts";
import { renewDue } from "../../../lab/cloud/certificate-issue.ts";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { type Issued, selfSigned } from "../../../lab/cloud/self-signed.ts";
import { type TestAuthority, testAuthority } from "./acme-server.ts";
import { code, finished, type Reply, type TestCloud, testCloud } from "./client.ts";
import { served } from "./zone-check.ts";

const day = 24 * 60 * 60 * 1000;
const field = (reply: Reply) => reply.at("error.details.fields.0.name");
const zone = (cloud: TestCloud, fields: object = {}) =>
  cloud.post("/zones", { name: "example.com", mode: "primary", ...fields });
const manage = (cloud: TestCloud, ...domain_names: string[]) =>
  cloud.post("/certificates", { name: "managed", type: "managed", domain_names });
const upload = (cloud: TestCloud, { certificate, privateKey }: Issued, fields: object = {}) =>
  cloud.post("/certificates", { name: "mine", certificate, private_key: privateKey, ...fields });
const shown = async (cloud: TestCloud, reply: Reply) => {
  await cloud.cloud.actions.settled();
  return (await cloud.get(`/certificates/${reply.number("certificate.id")}`)).at("certificate");
};

test("an uploaded certificate comes back byte for byte, with what it says of itself and without its key", async () => {
  const cloud = await testCloud();
  const mine = await selfSigned(["example.com", "*.example.com"], new Date("2026-10-05T12:00:00Z"));
  const reply = await upload(cloud, mine, { labels: { env: "prod" } });
  expect(reply.status).toBe(201);
  expect(reply.at("action")).toBeNull();
  expect(reply.at("certificate")).toEqual({
    id: expect.any(Number),
    name: "mine",
    labels: { env: "prod" },
    type: "uploaded",
    certificate: mine.certificate,
    created: expect.any(String),
    not_valid_before: "2026-10-05T12:00:00+00:00",
    not_valid_after: "2027-01-03T12:00:00+00:00",
    domain_names: ["example.com", "*.example.com"],
    fingerprint: new X509Certificate(mine.certificate).fingerprint256.toLowerCase(),
    status: null,
    used_by: [],
  });
  expect(code(await upload(cloud, mine))).toEqual([409, "uniqueness_error"]);
  const id = reply.number("certificate.id");
  expect((await cloud.put(`/certificates/${id}`, { name: "ours" })).at("certificate.name")).toBe("ours");
  expect((await cloud.get("/certificates?type=managed")).at("certificates")).toEqual([]);
  expect(code(await cloud.post(`/certificates/${id}/actions/retry`))).toEqual([422, "unsupported_error"]);
  expect((await cloud.delete(`/certificates/${id}`)).status).toBe(204);
});

test("what is not a certificate with its key is refused, and never repeated", async () => {
  const cloud = await testCloud();
  const [one, two] = await Promise.all([1, 2].map(() => selfSigned(["example.com"], new Date())));
  if (one === undefined || two === undefined) throw new Error("no certificates");
  const wrong = async (fields: object, name: string) => {
    const reply = await upload(cloud, one, fields);
    expect([reply.status, field(reply)]).toEqual([422, name]);
    expect(JSON.stringify(reply.body)).not.toContain("BEGIN");
  };
  await wrong({ certificate: null }, "certificate");
  await wrong({ private_key: undefined }, "private_key");
  await wrong({ certificate: "hello" }, "certificate");
  await wrong({ certificate: one.certificate.replace(/[A-Z]{3}/, "___") }, "certificate");
  await wrong({ certificate: one.certificate + two.certificate }, "certificate");
  await wrong({ private_key: one.certificate }, "private_key");
  await wrong({ private_key: two.privateKey }, "private_key");
  expect((await cloud.get("/certificates")).at("certificates")).toEqual([]);
});

test("keys stay in the state file, which only its owner reads, and out of answers and lines", async () => {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  try {
    const stateFile = join(folder, "cloud.json");
    const cloud = await testCloud({ stateFile });
    const mine = await selfSigned(["example.com"], new Date());
    await upload(cloud, mine);
    await zone(cloud);
    await shown(cloud, await manage(cloud, "www.example.com"));
    expect(statSync(stateFile).mode & 0o077).toBe(0);
    expect(readFileSync(stateFile, "utf8")).toContain("PRIVATE KEY");
    const listed = await cloud.get("/certificates");
    expect(listed.at("certificates")).toHaveLength(2);
    expect(JSON.stringify([listed.body, cloud.lines])).not.toContain("PRIVATE KEY");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ["no names", { domain_names: [] }, "domain_names"],
  ["a name twice", { domain_names: ["a.example.com", "a.example.com"] }, "domain_names"],
  ["an upper case name", { domain_names: ["A.example.com"] }, "domain_names.0"],
  ["a star inside", { domain_names: ["a.*.example.com"] }, "domain_names.0"],
])("a managed certificate with %s is refused at %s", async (_, fields, name) => {
  const cloud = await testCloud();
  const reply = await cloud.post("/certificates", { name: "managed", type: "managed", ...fields });
  expect([reply.status, field(reply)]).toEqual([422, name]);
});

test("without an ACME server a managed certificate is self-signed, and says so", async () => {
  const cloud = await testCloud();
  await zone(cloud);
  const reply = await manage(cloud, "example.com", "*.example.com");
  expect(reply.at("certificate")).toMatchObject({
    type: "managed",
    certificate: null,
    fingerprint: null,
    not_valid_before: null,
    domain_names: ["example.com", "*.example.com"],
    status: { issuance: "pending", renewal: "unavailable", error: null },
  });
  expect(await finished(cloud, reply)).toMatchObject({
    command: "create_certificate",
    status: "success",
    resources: [{ id: reply.number("certificate.id"), type: "certificate" }],
  });
  const issued = (await shown(cloud, reply)) as { certificate: string };
  expect(issued).toMatchObject({ status: { issuance: "completed", renewal: "scheduled", error: null } });
  expect(new X509Certificate(issued.certificate).issuer).toMatch(/Self-signed by the lab/);
});

test("a name must be in a primary zone of this cloud whose CAA records allow it; a retry comes after", async () => {
  const cloud = await testCloud();
  const reply = await manage(cloud, "www.example.com");
  const failure = { code: "dns_zone_not_found", message: "DNS zone of www.example.com not found" };
  expect(await finished(cloud, reply)).toMatchObject({ status: "error", error: failure });
  expect(await shown(cloud, reply)).toMatchObject({
    certificate: null,
    status: { issuance: "failed", renewal: "unavailable", error: failure },
  });
  const retry = async () => {
    const again = await cloud.post(`/certificates/${reply.number("certificate.id")}/actions/retry`);
    return finished(cloud, again);
  };
  await zone(cloud, { mode: "secondary", primary_nameservers: [{ address: "198.51.100.1" }] });
  expect(await retry()).toMatchObject({
    command: "issue_certificate",
    error: { code: "dns_zone_is_secondary_zone" },
  });
  await cloud.delete("/zones/example.com");
  await zone(cloud, { rrsets: [{ name: "@", type: "CAA", records: [{ value: '0 issue "ca.example"' }] }] });
  expect(await retry()).toMatchObject({ error: { code: "caa_record_does_not_allow_ca" } });
  await cloud.delete("/zones/example.com/rrsets/@/CAA");
  expect(await retry()).toMatchObject({ status: "success" });
  expect(code(await cloud.post(`/certificates/${reply.number("certificate.id")}/actions/retry`))).toEqual([
    422,
    "unsupported_error",
  ]);
});

test("a load balancer uses certificates that are issued, follows their renewal, and keeps them from deletion", async () => {
  let now = new Date("2026-10-05T12:00:00Z");
  const driver = new MemoryDriver();
  const cloud = await testCloud({ driver, now: () => now });
  await zone(cloud);
  const reply = await manage(cloud, "example.com");
  const id = reply.number("certificate.id");
  const order = {
    name: "lb",
    load_balancer_type: "lb11",
    location: "fsn1",
    services: [{ protocol: "https", http: { certificates: [id] } }],
  };
  cloud.faults.add({ command: "create_certificate", delay: 200 });
  const early = await cloud.post("/certificates", {
    name: "late",
    type: "managed",
    domain_names: ["example.org"],
  });
  const unissued = { protocol: "https", http: { certificates: [early.number("certificate.id")] } };
  expect(code(await cloud.post("/load_balancers", { ...order, services: [unissued] }))).toEqual([
    422,
    "service_error",
  ]);
  const issued = (await shown(cloud, reply)) as { certificate: string };
  const balancer = (await cloud.post("/load_balancers", order)).number("load_balancer.id");
  await cloud.cloud.actions.settled();
  const chain = () => driver.balancers[0]?.services[0]?.http?.certificates[0];
  expect(chain()).toEqual({ chain: issued.certificate, key: expect.stringContaining("PRIVATE KEY") });
  expect((await cloud.get(`/certificates/${id}`)).at("certificate.used_by")).toEqual([
    { id: balancer, type: "load_balancer" },
  ]);
  expect(code(await cloud.delete(`/certificates/${id}`))).toEqual([422, "resource_in_use"]);
  now = new Date(now.getTime() + 61 * day);
  renewDue(cloud.cloud);
  await cloud.cloud.actions.settled();
  expect(await shown(cloud, reply)).toMatchObject({ not_valid_before: "2026-12-05T12:00:00+00:00" });
  await expect.poll(() => chain()?.chain).not.toBe(issued.certificate);
});

test.each([
  ["nothing", [], "www", true],
  ["the zone's, for a name below", ["@ 0 issue letsencrypt.org"], "www", true],
  ["another authority", ["@ 0 issue ca.example"], "www", false],
  ["nobody", ['@ 0 issue ";"'], "@", false],
  ["the nearest name's", ["@ 0 issue ca.example", "www 0 issue letsencrypt.org"], "a.www", true],
  ["a text with parameters", ['@ 0 issue "letsencrypt.org; validationmethods=dns-01"'], "@", true],
  ["nobody for wildcards", ["@ 0 issue letsencrypt.org", '@ 0 issuewild ";"'], "*", false],
  ["wildcards alone forbidden", ["@ 0 issue letsencrypt.org", '@ 0 issuewild ";"'], "www", true],
  ["only a mailbox", ["@ 0 iodef mailto:a@example.org"], "www", true],
  ["an unknown critical property", ["@ 128 tbs unknown"], "www", false],
])("CAA with %s", (_, lines, name, allowed) => {
  const rrsets = [...new Set(lines.map((line) => line.split(" ")[0] ?? ""))].map((owner) => ({
    name: owner,
    type: "CAA" as const,
    ttl: null,
    labels: {},
    records: lines
      .filter((line) => line.startsWith(`${owner} `))
      .map((line) => ({ value: line.slice(owner.length + 1), comment: "" })),
  }));
  expect(caaAllows(rrsets, name)).toBe(allowed);
});

/** A driver whose lab has an ACME server. */
class AcmeDriver extends MemoryDriver {
  server: AcmeServer | null = null;

  override async acme(): Promise<never> {
    return this.server as never;
  }
}

let driver: AcmeDriver;
let cloud: TestCloud;
let authority: TestAuthority;

beforeEach(async () => {
  driver = new AcmeDriver();
  cloud = await testCloud({ driver });
  authority = await testAuthority((name) => {
    const texts = served(cloud, "example.com")[`${name.replace(".example.com", "")}/TXT`] ?? [];
    return texts.map((text) => text.replaceAll('"', ""));
  });
  driver.server = authority;
  await zone(cloud);
});
afterEach(() => authority.close());

test("with an ACME server a certificate is proven by texts in the zone, which are gone afterwards", async () => {
  const reply = await manage(cloud, "example.com", "*.example.com", "www.example.com");
  expect(await finished(cloud, reply)).toMatchObject({ status: "success" });
  const { certificate } = (await shown(cloud, reply)) as { certificate: string };
  const leaf = new X509Certificate(certificate);
  expect(leaf.issuer).toBe("CN=Test authority");
  expect(leaf.subjectAltName).toBe("DNS:example.com, DNS:*.example.com, DNS:www.example.com");
  expect(certificate.match(/BEGIN/g)).toHaveLength(2);
  expect(authority.proven).toEqual(["example.com", "example.com", "www.example.com"]);
  expect(cloud.driver.zones[0]?.text).not.toContain("_acme-challenge");
  expect((await cloud.get("/zones/example.com/rrsets?type=TXT")).at("rrsets")).toEqual([]);
});

test("the user's own text at the name of the challenge stays beside it", async () => {
  const records = [{ value: '"mine"' }];
  await cloud.post("/zones/example.com/rrsets", { name: "_acme-challenge", type: "TXT", records });
  const reply = await manage(cloud, "example.com");
  expect(await finished(cloud, reply)).toMatchObject({ status: "success" });
  expect(served(cloud, "example.com")["_acme-challenge/TXT"]).toEqual(['"mine"']);
});

test("a text that is not found fails the certificate with the authority's words", async () => {
  driver.server = await testAuthority(() => []);
  const reply = await manage(cloud, "www.example.com");
  expect(await finished(cloud, reply)).toMatchObject({
    status: "error",
    error: {
      code: "ca_dns_validation_failed",
      message: expect.stringContaining("www.example.com: no such text was found"),
    },
  });
  expect(driver.zones[0]?.text).not.toContain("_acme-challenge");
});

test("a server with another root is not trusted", async () => {
  driver.server = { ...authority, root: (await selfSigned(["localhost"], new Date())).certificate };
  const reply = await manage(cloud, "www.example.com");
  expect(await finished(cloud, reply)).toMatchObject({ status: "error", error: { code: "action_failed" } });
  expect(authority.proven).toEqual([]);
});
