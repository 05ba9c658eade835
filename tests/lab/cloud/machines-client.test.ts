import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MachineSpec, ServerDriver } from "../../../lab/cloud/driver.ts";
import { MachinesClient } from "../../../lab/cloud/machines-client.ts";

const spec: MachineSpec = {
  id: 7,
  name: "web",
  image: "debian-13",
  ipv4: "10.0.0.10",
  ipv6: null,
  mac: "96:00:00:00:00:07",
  sshKeys: [],
  userData: "é",
};

let folder: string;
let server: Server;
let answer: { status: number; body: string };
let seen: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "machines-"));
  seen = [];
  answer = { status: 200, body: "{}" };
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    seen.push(`${request.method} ${request.url} ${Buffer.concat(chunks)}`);
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "machines.sock"), resolve));
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const client = () => new MachinesClient(join(folder, "machines.sock"));

test.each<[string, (driver: ServerDriver) => Promise<unknown>, unknown[]]>([
  ["network", (driver) => driver.network(), []],
  ["create", (driver) => driver.create(spec), [spec]],
  ["rebuild", (driver) => driver.rebuild(spec), [spec]],
  ["configure", (driver) => driver.configure(spec), [spec]],
  ["start", (driver) => driver.start(7), [7]],
  ["shutdown", (driver) => driver.shutdown(7), [7]],
  ["stop", (driver) => driver.stop(7), [7]],
  ["reset", (driver) => driver.reset(7), [7]],
  ["remove", (driver) => driver.remove(7), [7]],
  ["status", (driver) => driver.status(7), [7]],
  ["setFirewalls", (driver) => driver.setFirewalls([{ id: 7, rules: null }]), [[{ id: 7, rules: null }]]],
])("%s is a POST of its arguments", async (verb, call, args) => {
  await call(client());
  expect(seen).toEqual([`POST /${verb} ${JSON.stringify({ args })}`]);
});

test("the daemon's result is the call's", async () => {
  answer.body = '{"result":"running"}';
  expect(await client().status(7)).toBe("running");
});

test("the daemon's error becomes one line with the verb", async () => {
  answer = { status: 400, body: '{"error":"there is no server 7"}' };
  await expect(client().start(7)).rejects.toThrow(/machines\.sock\): start: there is no server 7$/);
});

test("an answer that is no JSON is an error with its status", async () => {
  answer = { status: 502, body: "<html>" };
  await expect(client().start(7)).rejects.toThrow("answered status 502");
});

test("a daemon that does not run is told apart, with what to do", async () => {
  server.close();
  await expect(client().network()).rejects.toThrow(
    "it is not running; start the lab with `npm run lab -- up`",
  );
});
