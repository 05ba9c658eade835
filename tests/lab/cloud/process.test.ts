import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, type ResultPromise } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

const main = join(import.meta.dirname, "../../../lab/cloud/main.ts");
let lab: string;
let running: ResultPromise[];

beforeEach(() => {
  lab = mkdtempSync(join(tmpdir(), "lab-"));
  running = [];
});
afterEach(async () => {
  for (const child of running) child.kill("SIGKILL");
  await Promise.allSettled(running);
  rmSync(lab, { recursive: true });
});

const file = (name: string) => join(lab, name);
const read = (name: string) => readFileSync(file(name), "utf8").trim();

function spawn(...more: string[]) {
  const child = execa(process.execPath, [main, "--lab", lab, "--driver", "memory", ...more], {
    reject: false,
    // Asked to end, it may take its time.
    forceKillAfterDelay: false,
  });
  running.push(child);
  return child;
}

async function start(...more: string[]): Promise<{ child: ReturnType<typeof spawn>; url: string }> {
  const child = spawn(...more);
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  await expect.poll(() => said).toContain("cloud: listening on");
  return { child, url: read("cloud.url") };
}

async function api(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${read("cloud.url")}${path}`, {
    headers: { authorization: `Bearer ${read("cloud.token")}` },
    ...init,
  });
}

interface ServerBody {
  server: { id: number; status: string; public_net: { ipv4: { ip: string } } };
}

async function serverOf(response: Response): Promise<ServerBody> {
  return (await response.json()) as ServerBody;
}

function metadata(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: file("metadata.sock"), path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", reject);
    call.end();
  });
}

test("it listens on loopback, ends on SIGTERM, and comes back at the same place with the same things", async () => {
  const first = await start();
  expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  const token = read("cloud.token");
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(file("cloud.token")).mode & 0o777).toBe(0o600);
  const body = JSON.stringify({ name: "web", server_type: "cx23", image: "debian-13" });
  const { server } = await serverOf(await api("/servers", { method: "POST", body }));
  const running = async () => (await serverOf(await api(`/servers/${server.id}`))).server.status;
  await expect.poll(running).toBe("running");
  expect(await metadata(`/by-address/${server.public_net.ipv4.ip}/hetzner/v1/metadata/hostname`)).toBe(200);

  first.child.kill("SIGTERM");
  expect((await first.child).exitCode).toBe(0);
  expect(existsSync(file("cloud.url"))).toBe(false);
  expect(existsSync(file("metadata.sock"))).toBe(false);

  const second = await start();
  expect(second.url).toBe(first.url);
  expect(read("cloud.token")).toBe(token);
  expect(await running()).toBe("running");
});

test("a second cloud in the same folder is refused and leaves the first alone", async () => {
  const { url } = await start();
  const second = await spawn();
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toContain("another cloud already runs in");
  expect(read("cloud.url")).toBe(url);
  expect((await api("/locations")).status).toBe(200);
});

test("what a killed cloud left does not keep the next from starting", async () => {
  const first = await start();
  first.child.kill("SIGKILL");
  await first.child;
  const { url } = await start();
  expect(url).toBe(first.url);
  expect((await api("/locations")).status).toBe(200);
});

test("when its port was taken meanwhile it takes another; a port it was told is refused by name", async () => {
  const first = await start();
  first.child.kill("SIGTERM");
  await first.child;
  const port = Number(new URL(first.url).port);
  const squatter = createServer().listen(port, "127.0.0.1");
  try {
    const refused = await spawn("--port", String(port));
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toBe(
      `cloud: port ${port} of 127.0.0.1 is taken; give another with --port, or none for a free one`,
    );
    const second = await start();
    expect(second.url).not.toBe(first.url);
  } finally {
    squatter.close();
  }
});

test("without the machines daemon it ends with one line that says so", async () => {
  const child = execa(process.execPath, [main, "--lab", lab], { reject: false });
  running.push(child);
  const result = await child;
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(
    /^cloud: machines daemon \(.*machines\.sock\): network: it is not running; start the lab with `npm run lab -- up`$/,
  );
});

test("a faulted connection is dropped, not answered", async () => {
  await start();
  const admin = new URL("/lab/faults", read("cloud.url"));
  const headers = { authorization: `Bearer ${read("cloud.token")}` };
  await fetch(admin, {
    method: "POST",
    headers,
    body: JSON.stringify({ path: "/servers", instead: "drop" }),
  });
  await expect(api("/servers")).rejects.toThrow();
  expect((await api("/servers")).status).toBe(200);
});
