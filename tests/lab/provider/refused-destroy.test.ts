import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { checkout } from "../../../lab/setup/places.mjs";
import { listeningCloud, token } from "../cloud/client.ts";
import { type Project, project } from "./project.ts";

/** `pulumi destroy` of a stack that is protected: a zone with its records, at a cloud that is only a table. */

const from = (file: string) => JSON.stringify(join(checkout, "components", file));
/** With `fails`, an update fails once everything else is made: what keeps the stack does not depend on that yet. */
const PROGRAM = `
import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { DnsRecords } from ${from("dns-records.ts")};
import { DnsZone } from ${from("dns-zone.ts")};
import { keepStack } from ${from("keep-stack.ts")};
const config = new pulumi.Config();
const protect = true;
const zone = new DnsZone("example.org", { domain: "example.org", ttl: 3600, protect });
const values = ['"a text"'];
const names = config.requireObject("names");
const records = names.map((name) => ({ name, type: "TXT", ttl: null, values, addresses: [] }));
const made = new DnsRecords("records", { zone, records, addressesOf: () => undefined, protect });
const bad = { zone: zone.domain, name: "bad", type: "A", records: [{ value: "no address" }] };
const others = config.getBoolean("fails") ? [new hcloud.ZoneRrset("bad", bad, { dependsOn: made })] : [];
keepStack([zone, made, ...others], protect);
`;

const exported = z.object({
  deployment: z.object({ resources: z.array(z.object({ urn: z.string() })) }),
});
const listed = z.array(z.object({ name: z.string(), type: z.string() }));

let cloud: Awaited<ReturnType<typeof listeningCloud>>;
let stack: Project;
beforeAll(async () => {
  cloud = await listeningCloud({ actionMode: "instant" });
  stack = await project({
    name: "zone",
    program: PROGRAM,
    provider: { name: "hcloud", path: join(checkout, "lab/plugins") },
    env: { HCLOUD_TOKEN: token, HCLOUD_ENDPOINT: cloud.url, BERTH_NODE: process.execPath },
  });
});
afterAll(async () => {
  cloud?.close();
  await stack?.[Symbol.asyncDispose]();
});
beforeEach(({ skip }) => {
  skip(stack.because !== undefined, stack.because);
});

async function update(names: readonly string[], fails = false) {
  await stack.succeeded("config", "set", "names", JSON.stringify(names));
  await stack.succeeded("config", "set", "fails", String(fails));
  return await stack.pulumi("up", "--yes", "--skip-preview");
}
async function refusedDestroy(...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await stack.pulumi("destroy", "--yes", ...args);
  expect(exitCode).not.toBe(0);
  expect(stdout + stderr).toContain("because it is protected");
}
/** Names of the records that the state knows, and of those that there are. */
async function records() {
  const { deployment } = exported.parse(JSON.parse(await stack.succeeded("stack", "export")));
  const known = deployment.resources.flatMap(({ urn }) => /::records-(\S+)-TXT$/.exec(urn)?.[1] ?? []);
  const reply = await cloud.get("/zones/example.org/rrsets?per_page=50");
  const there = listed.parse(reply.at("rrsets")).filter(({ type }) => type === "TXT");
  return { known: known.toSorted(), there: there.map(({ name }) => name).toSorted() };
}

const many = Array.from({ length: 24 }, (_, index) => `r${index}`);

test("nothing goes of what a whole update has made", async () => {
  expect(await update(["a"])).toMatchObject({ exitCode: 0 });
  await refusedDestroy("--skip-preview");
  expect(await records()).toEqual({ known: ["a"], there: ["a"] });
});

test("after an update that failed, the preview refuses before anything goes", async () => {
  expect((await update(["a", "b"], true)).exitCode).not.toBe(0);
  await refusedDestroy();
  expect(await records()).toEqual({ known: ["a", "b"], there: ["a", "b"] });
});

test("after an update that failed, without a preview, what is forgotten is gone, and the next has it again", async () => {
  expect((await update(many, true)).exitCode).not.toBe(0);
  await refusedDestroy("--skip-preview");
  const { known, there } = await records();
  expect(there).toEqual(known);
  expect(await update(many)).toMatchObject({ exitCode: 0 });
  expect((await records()).there).toEqual(many.toSorted());
});

test("what the state does not know stops an update, until it is imported as it is", async () => {
  expect(await update(["a"])).toMatchObject({ exitCode: 0 });
  const order = { name: "c", type: "TXT", records: [{ value: '"a text"' }] };
  expect((await cloud.post("/zones/example.org/rrsets", order)).status).toBe(201);
  const stopped = await update(["a", "c"]);
  expect(stopped.exitCode).not.toBe(0);
  expect(stopped.stdout + stopped.stderr).toContain("uniqueness_error");
  const { deployment } = exported.parse(JSON.parse(await stack.succeeded("stack", "export")));
  const parent = deployment.resources.find(({ urn }) => urn.endsWith("DnsRecords::records"))?.urn;
  await stack.succeeded(
    ...["import", "hcloud:index/zoneRrset:ZoneRrset", "records-c-TXT", "example.org/c/TXT"],
    ...["--parent", `records=${parent}`, "--protect=false", "--generate-code=false"],
    ...["--yes", "--skip-preview"],
  );
  expect(await update(["a", "c"])).toMatchObject({ exitCode: 0 });
  expect(await records()).toEqual({ known: ["a", "c"], there: ["a", "c"] });
});
