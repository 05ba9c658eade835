import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Failure } from "../../../../deployer/failure.ts";
import { type LookOptions, lookAtCloud } from "../../../../deployer/hetzner/look.ts";
import { RateLimit } from "../../../../lab/cloud/rate-limit.ts";
import { listeningCloud, orderServer, publicKeys, token } from "../../../lab/cloud/client.ts";

type Listening = Awaited<ReturnType<typeof listeningCloud>>;

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function cloudFor(options: Parameters<typeof listeningCloud>[0] = {}): Promise<Listening> {
  const cloud = await listeningCloud({ actionMode: "instant", ...options });
  open.push(cloud);
  return cloud;
}

const said: string[] = [];
const look = (endpoint: string, options: Partial<LookOptions> = {}) => {
  said.length = 0;
  return lookAtCloud({
    token,
    tokenFrom: "hcloud:token",
    endpoint,
    stack: "prod",
    servers: ["prod-web1"],
    say: (line) => said.push(line),
    ...options,
  });
};
const failureOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => new Error("it went well"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  return (error as Failure).message;
};

describe("a look at the cloud", () => {
  test("tells what is sold, by the same names and figures as the dated list", async () => {
    const { catalogue, readOnly } = await look((await cloudFor()).url);
    expect(catalogue.serverTypes.find(({ name }) => name === "cx23")).toEqual({
      name: "cx23",
      architecture: "x86_64-linux",
      cores: 2,
      memory: 4,
      disk: 40,
      cpu: "shared",
      locations: {
        fsn1: { monthly: 5.49, available: true },
        nbg1: { monthly: 5.49, available: true },
        hel1: { monthly: 5.49, available: true },
      },
    });
    expect(catalogue.serverTypes.find(({ name }) => name === "cax11")?.architecture).toBe("aarch64-linux");
    expect(catalogue.prices).toMatchObject({ ipv4: { fsn1: 0.5 }, volumePerGb: 0.0572, backupPercent: 20 });
    expect(catalogue.locations).toContainEqual({ name: "hel1", networkZone: "eu-central" });
    expect(catalogue.images).toContainEqual({ name: "debian-13", architecture: "aarch64-linux", disk: 5 });
    expect(catalogue.loadBalancerTypes.map(({ name }) => name)).toContain("lb11");
    expect(catalogue.currency).toBe("EUR");
    expect(readOnly).toBe(false);
  });

  test("tells what has left the shelves, and when", async () => {
    const { catalogue } = await look((await cloudFor()).url);
    const gone = catalogue.serverTypes.find(({ name }) => name === "cx22")?.locations.fsn1;
    expect(gone?.available).toBe(false);
    expect(Date.parse(gone?.endsAt ?? "")).toBeLessThan(Date.now());
    const old = catalogue.images.find(({ name }) => name === "debian-11");
    expect(Date.parse(old?.deprecated ?? "")).toBeLessThan(Date.now());
  });

  test("tells what runs for this stack and no other, over as many pages as there are", async () => {
    const cloud = await cloudFor();
    const mine = { "berth-stack": "prod" };
    await orderServer(cloud, { name: "prod-web1", labels: { ...mine, "berth-host": "web1" } });
    await orderServer(cloud, { name: "dev-web1", labels: { "berth-stack": "dev" } });
    for (let n = 0; n < 60; n++) {
      await cloud.post("/primary_ips", {
        name: `prod-ip-${n}`,
        type: "ipv4",
        location: "hel1",
        labels: mine,
      });
    }
    await cloud.post("/volumes", { name: "prod-web1-data", size: 20, location: "fsn1", labels: mine });
    await cloud.post("/zones", { name: "example.org", mode: "primary", labels: mine });
    const network = await cloud.post("/networks", {
      name: "prod",
      ip_range: "10.0.0.0/16",
      subnets: [{ type: "cloud", ip_range: "10.0.1.0/24", network_zone: "eu-central" }],
      labels: mine,
    });
    await cloud.post(`/networks/${network.at("network.id")}/actions/change_protection`, { delete: true });
    const { running, takenNames } = await look(cloud.url);
    expect(running.servers).toEqual([
      {
        name: "prod-web1",
        host: "web1",
        type: "cx23",
        architecture: "x86_64-linux",
        disk: 40,
        location: "fsn1",
        backups: false,
        status: "running",
        placement: null,
        ipv4: true,
        ipv6: true,
        protected: false,
      },
    ]);
    expect(new Set(running.primaryIps.map(({ name }) => name)).size).toBe(60);
    expect(running.primaryIps[0]).toMatchObject({ type: "ipv4", location: "hel1" });
    expect(running.volumes).toEqual([
      { name: "prod-web1-data", size: 20, location: "fsn1", protected: false },
    ]);
    expect(running.networks).toEqual([
      { name: "prod", range: "10.0.0.0/16", subnets: ["10.0.1.0/24"], protected: true },
    ]);
    expect(running.zones).toEqual([{ name: "example.org", protected: false }]);
    expect(running.loadBalancers).toEqual([]);
    expect(takenNames).toEqual([]);
  });

  test("tells that a name is another's", async () => {
    const cloud = await cloudFor();
    await orderServer(cloud, { name: "prod-web1" });
    expect((await look(cloud.url, { servers: ["prod-web1", "prod-web2"] })).takenNames).toEqual([
      "prod-web1",
    ]);
  });

  test("tells the project's ssh keys with their fingerprints", async () => {
    const cloud = await cloudFor();
    await cloud.post("/ssh_keys", {
      name: "ada",
      public_key: publicKeys[0],
      labels: { "berth-stack": "dev" },
    });
    expect((await look(cloud.url)).sshKeys).toEqual([
      {
        id: expect.any(Number),
        name: "ada",
        fingerprint: expect.stringMatching(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/),
        publicKey: publicKeys[0],
        labels: { "berth-stack": "dev" },
      },
    ]);
  });

  test("changes nothing, and sees that a token may only read", async () => {
    const readonlyToken = "r".repeat(64);
    const cloud = await cloudFor({ readonlyToken });
    expect((await look(cloud.url, { token: readonlyToken })).readOnly).toBe(true);
    expect((await look(cloud.url)).readOnly).toBe(false);
    const writing = cloud.requests.filter(({ method }) => method !== "GET");
    expect(writing.map(({ path }) => path)).toEqual(["/v1/ssh_keys", "/v1/ssh_keys"]);
    expect(writing.map(({ status }) => status)).toEqual([401, 422]);
    expect((await cloud.get("/ssh_keys")).at("ssh_keys")).toEqual([]);
  });
});

describe("a look that is refused says where, what came back and what to do", () => {
  test("for a wrong token, without telling it", async () => {
    const wrong = "w".repeat(64);
    const message = await failureOf(look((await cloudFor()).url, { token: wrong }));
    expect(message).toContain("the token of hcloud:token is refused (401 unauthorized:");
    expect(message).toContain("Nothing was created or changed.");
    expect(message).toContain("pulumi config set --secret hcloud:token");
    expect(message).not.toContain(wrong);
  });

  test("for an API that is down, whatever of it", async () => {
    const cloud = await cloudFor();
    await cloud.post("/lab/faults", { path: "/pricing", method: "GET", status: 503, times: 10 });
    const message = await failureOf(look(cloud.url));
    expect(message).toMatch(/^ask Hetzner's API \(GET http:\/\/127\.0\.0\.1:\d+\/v1\/pricing\): 503 /);
    expect(message).toContain("Nothing was created or changed. Next: Hetzner tells of outages");
  });

  test("for an API that nobody answers at", async () => {
    const cloud = await cloudFor();
    cloud.close();
    const message = await failureOf(look(cloud.url));
    expect(message).toContain("no answer: ");
    expect(message).toContain("ECONNREFUSED");
  });

  test("for something that is not Hetzner's API", async () => {
    const server = await listening((_, response) => response.end("<html></html>"));
    expect(await failureOf(look(server))).toMatch(/an answer of another shape|an empty ssh key was accepted/);
  });

  test("for an API that does not answer in time", async () => {
    const server = await listening(() => undefined);
    expect(await failureOf(look(server, { deadline: 300 }))).toContain(
      "not everything was answered within 0.3 s",
    );
  });

  test("for an allowance that is back only after the deadline", async () => {
    const reset = Math.ceil(Date.now() / 1000) + 3600;
    const server = await listening((_, response) => {
      response.writeHead(429, {
        "content-type": "application/json",
        "RateLimit-Limit": "10",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": String(reset),
      });
      response.end(JSON.stringify({ error: { code: "rate_limit_exceeded", message: "limit reached" } }));
    });
    const message = await failureOf(look(server));
    expect(message).toContain("too many requests with this project's tokens");
    expect(message).toContain(`run this again after ${new Date(reset * 1000).toISOString().slice(0, 16)}`);
  });
});

describe("a look goes on", () => {
  test("after a gateway's error and a lost connection", async () => {
    const cloud = await cloudFor();
    await cloud.post("/lab/faults", { path: "/locations", instead: "bad_gateway" });
    await cloud.post("/lab/faults", { path: "/pricing", instead: "drop" });
    await cloud.post("/lab/faults", { path: "/ssh_keys", method: "POST", status: 502 });
    expect((await look(cloud.url)).catalogue.locations).not.toEqual([]);
  });

  test("when there is room again, and says once that it waits", async () => {
    // Four requests at once, then five a second: some of the look's have to wait.
    const cloud = await cloudFor({ rateLimit: new RateLimit(4, 5) });
    expect((await look(cloud.url)).catalogue.locations).not.toEqual([]);
    expect(said.length).toBeGreaterThan(0);
    expect(said[0]).toMatch(/^Hetzner's API has had too many requests .*: waiting \d+ s$/);
    expect(cloud.requests.some(({ status }) => status === 429)).toBe(true);
  });
});

async function listening(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}
