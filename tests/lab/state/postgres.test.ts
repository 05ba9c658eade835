import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import type { EngineRun } from "../../../lab/journey/pulumi.ts";
import { checkout } from "../../../lab/setup/places.mjs";
import { type CloudStack, cloudStack } from "../../e2e/cloud-stack.ts";
import { type PostgresServer, postgresPrograms, startPostgres } from "./server.ts";

const programs = postgresPrograms();
const password = "hunter2-of-the-state";
let folder: string;
let server: PostgresServer | undefined;
let stack: CloudStack;
/** What has pulumi keep its state there. */
let backend: Record<string, string>;

/** `pulumi` with the state in the database; nothing it prints may have the password. */
async function pulumi(...args: string[]): Promise<EngineRun> {
  const ended = await stack.engine(backend).run(args);
  expect(ended.output).not.toContain(password);
  return ended;
}

async function done(...args: string[]): Promise<string> {
  const { exitCode, output } = await pulumi(...args);
  expect(exitCode, output).toBe(0);
  return output;
}

/** Where the table has a backend's files: below the database's name. */
const at = "pulumi/.pulumi";

/** What needs no machine: the key that the stack logs in with, and its place at Hetzner. */
const upLogin = ["up", "--yes", "--skip-preview", "--target", "**::login", "--target", "**::login-key"];

beforeAll(async () => {
  if (programs === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "berth-state-"));
  server = await startPostgres(programs, folder, password);
  stack = await cloudStack(join(checkout, ".lab-state"));
  await stack.configure({
    "berth:hosts": { web1: { system: "web", server: { type: "cx23", location: "fsn1" } } },
  });
  const passwords = join(folder, "pgpass");
  await writeFile(passwords, `127.0.0.1:*:pulumi:berth:${password}\n`, { mode: 0o600 });
  backend = { PULUMI_BACKEND_URL: server.url, PGPASSFILE: passwords };
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

function running({ skip }: TestContext): PostgresServer {
  if (!server) skip("BERTH_POSTGRES names no folder with PostgreSQL's programs");
  return server as PostgresServer;
}

test("a stack is made in a database, by a password that is in a file alone", async (context) => {
  const { sql } = running(context);
  await done("stack", "init", "lab");
  await done(...upLogin);
  expect(await sql("SELECT 1")).toBe("1");
  const tables = await onPulumi(context, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
  expect(tables).toBe("pulumi_state");
  expect((await onPulumi(context, "SELECT key FROM pulumi_state")).split("\n")).toContain(
    `${at}/stacks/berth/lab.json`,
  );
});

test("no key is in the database in the clear", async (context) => {
  running(context);
  const rows = (await onPulumi(context, "SELECT data ->> 'data' FROM pulumi_state")).split("\n");
  const text = rows.map((row) => Buffer.from(row, "base64").toString()).join("\n");
  const has = (what: string) => text.includes(what);
  expect(["ciphertext", "login-key", "PRIVATE KEY", password].map(has)).toEqual([true, true, false, false]);
});

test("the next update goes on from it", async (context) => {
  running(context);
  expect(await done(...upLogin)).toMatch(/\d+ unchanged/);
});

test("a second update at the same time is refused by name, until the lock is taken away", async (context) => {
  running(context);
  const lock = JSON.stringify({
    pid: 1,
    username: "ada",
    hostname: "desk",
    timestamp: new Date().toISOString(),
  });
  const row = JSON.stringify({ data: Buffer.from(lock).toString("base64") });
  const key = `${at}/locks/organization/berth/lab/00000000-0000-4000-8000-000000000000.json`;
  await onPulumi(context, `INSERT INTO pulumi_state (key, data) VALUES ('${key}', '${row}')`);
  const refused = await pulumi(...upLogin);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.output).toMatch(/locked by 1 lock.*ada@desk/s);
  await done("cancel", "--yes");
  await done(...upLogin);
});

test("it moves to a folder and is whole there", async (context) => {
  running(context);
  const file = join(folder, "lab.json");
  await done("stack", "export", "--file", file);
  const there = stack.engine();
  const steps = [["stack", "init", "lab"], ["stack", "import", "--file", file], upLogin];
  const ended = [];
  for (const step of steps) ended.push(await there.run(step));
  // The lab has made its stack in the folder beforehand.
  expect(ended[0]?.output).toContain("already exists");
  expect(ended[1]?.exitCode, ended[1]?.output).toBe(0);
  expect(ended[2]?.output).toMatch(/\d+ unchanged/);
});

/** SQL on the database with the states, as its superuser. */
const onPulumi = (context: TestContext, query: string): Promise<string> =>
  running(context).sql(query, "pulumi");
