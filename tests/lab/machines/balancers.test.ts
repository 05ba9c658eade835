import { existsSync, readlinkSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ControlGroup } from "../../../lab/machines/cgroups.ts";
import { waitFor } from "../../../lab/machines/waiting.ts";
import { newKeyPair } from "./keys.ts";
import type { Remote } from "./remote.ts";
import { type Answer, ask, balancer, selfSigned, service, WEB } from "./services.ts";
import { hostAddress, impossible, TestLab } from "./support.ts";

const hostKey = newKeyPair("host");

let lab: TestLab;
let one: Remote;
let targets: { key: string; address: string }[];
let base: ReturnType<typeof balancer>;

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  const [first, second] = await Promise.all([web(1), web(2)]);
  one = first;
  targets = [
    { key: "server-1", address: first.address },
    { key: "server-2", address: second.address },
  ];
  base = balancer(await lab.driver.network(), 1, { targets });
}, 600_000);

afterAll(async () => await lab?.dispose());

async function web(id: number): Promise<Remote> {
  const remote = await lab.serve(id, hostKey);
  const program = Buffer.from(WEB).toString("base64");
  await remote.run(
    `echo ${program} | base64 -d >/root/web.cjs && systemd-run --quiet --unit=web node /root/web.cjs`,
  );
  return remote;
}

/** Waits until every target of balancer 1 has this health. */
async function health(wanted: Record<string, string>): Promise<void> {
  let last = "";
  await waitFor(
    `the health ${JSON.stringify(wanted)}`,
    async () => {
      const [found] = await lab.driver.balancerHealth();
      last = JSON.stringify(found);
      return found?.targets.every(({ key, status }) => wanted[key] === status) ? true : null;
    },
    60_000,
    50,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; it is ${last}`);
  });
}

const bothHealthy = { "server-1": "healthy", "server-2": "healthy" };
const told = ({ body }: Answer) => JSON.parse(body) as { name: string; headers: Record<string, string> };

/** Names of the servers that answer `times` requests. */
async function answering(times: number, url = `http://${base.ipv4}/`): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let n = 0; n < times; n++) {
    const { name } = told(await ask(url));
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

test("requests are spread over the targets, over both address families", async () => {
  await lab.driver.setBalancers([base]);
  await health(bothHealthy);
  expect(await answering(10)).toEqual({ web1: 5, web2: 5 });
  const six = `http://[${hostAddress(base.ipv6 ?? "")}]/`;
  expect(await answering(10, six)).toEqual({ web1: 5, web2: 5 });
});

test("a target learns who asked, and how", async () => {
  const { headers } = told(await ask(`http://${base.ipv4}/`, { headers: { "x-forwarded-proto": "https" } }));
  const network = await lab.driver.network();
  expect(headers["x-forwarded-for"]).toBe(network.ipv4.replace("0/24", "1"));
  expect(headers["x-forwarded-proto"]).toBe("http");
});

test("a target whose check fails gets nothing until it passes again, also over a reload", async () => {
  await lab.driver.setBalancers([base]);
  await one.run("touch /tmp/ill");
  try {
    await health({ ...bothHealthy, "server-1": "unhealthy" });
    expect(await answering(6)).toEqual({ web2: 6 });
    await lab.driver.setBalancers([{ ...base, algorithm: "least_connections" }]);
    expect(await answering(6)).toEqual({ web2: 6 });
  } finally {
    await one.run("rm /tmp/ill");
  }
  await health(bothHealthy);
});

test("a target that is off gets nothing", async () => {
  await lab.driver.setBalancers([base]);
  await lab.driver.setFirewalls([{ id: 1, rules: [] }]);
  try {
    await health({ ...bothHealthy, "server-1": "unhealthy" });
    expect(await answering(4)).toEqual({ web2: 4 });
  } finally {
    await lab.driver.setFirewalls([{ id: 1, rules: null }]);
  }
});

test("the answer's text counts, too", async () => {
  const { healthCheck } = service();
  const expecting = (response: string) => ({
    ...base,
    services: [
      service({
        healthCheck: { ...healthCheck, http: healthCheck.http && { ...healthCheck.http, response } },
      }),
    ],
  });
  await lab.driver.setBalancers([expecting(`it's "ok" # $HOME`)]);
  await health({ "server-1": "unhealthy", "server-2": "unhealthy" });
  expect((await ask(`http://${base.ipv4}/`)).status).toBe(503);
  await lab.driver.setBalancers([expecting("fine")]);
  await health(bothHealthy);
});

test("with sticky sessions a client comes back to its target", async () => {
  const http = {
    cookie: { name: "STICKY", lifetime: 300 },
    redirectHttp: false,
    idleTimeout: 60,
    certificates: [],
  };
  await lab.driver.setBalancers([{ ...base, services: [service({ http })] }]);
  await health(bothHealthy);
  const first = await ask(`http://${base.ipv4}/`);
  const [cookie = ""] = first.headers["set-cookie"] ?? [];
  expect(cookie).toMatch(/^STICKY=\w+;.*Max-Age=300/);
  for (let n = 0; n < 4; n++) {
    const again = await ask(`http://${base.ipv4}/`, { headers: { cookie: cookie.split(";")[0] ?? "" } });
    expect(told(again).name).toBe(told(first).name);
  }
});

test("https ends at the balancer with its certificate, port 80 leads there, and keys are root's alone", async () => {
  const certificate = await selfSigned();
  const http = { cookie: null, redirectHttp: true, idleTimeout: 60, certificates: [certificate] };
  await lab.driver.setBalancers([
    { ...base, services: [service({ listenPort: 443, protocol: "https", http })] },
  ]);
  await health(bothHealthy);
  const answer = await ask(`https://${base.ipv4}/`, { ca: certificate.chain });
  expect(told(answer).headers["x-forwarded-proto"]).toBe("https");
  const redirect = await ask(`http://${base.ipv4}/a?b=c`, { headers: { host: "lb.test" } });
  expect(redirect.status).toBe(301);
  expect(redirect.headers.location).toBe("https://lb.test/a?b=c");
  const folder = join(lab.places.services, "balancer-1/data");
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".pem"));
  expect(files).toHaveLength(1);
  expect((await stat(join(folder, files[0] ?? ""))).mode & 0o777).toBe(0o600);
});

test("a certificate that is none is refused in one line, and what was served is served on", async () => {
  await lab.driver.setBalancers([base]);
  await health(bothHealthy);
  const http = {
    cookie: null,
    redirectHttp: false,
    idleTimeout: 60,
    certificates: [{ chain: "x", key: "y" }],
  };
  const wrong = { ...base, services: [service({ listenPort: 443, protocol: "https" as const, http })] };
  await expect(lab.driver.setBalancers([wrong])).rejects.toThrow(
    /load balancer 1 \(lb1\): .*unable to load certificate/,
  );
  expect(await answering(2)).toEqual({ web1: 1, web2: 1 });
});

test("the PROXY protocol tells a plain TCP target who the client is", async () => {
  const healthCheck = { ...service().healthCheck, protocol: "tcp" as const, port: 8081, http: null };
  const tcp = service({
    listenPort: 81,
    destinationPort: 8081,
    protocol: "tcp",
    proxyProtocol: true,
    http: null,
    healthCheck,
  });
  await lab.driver.setBalancers([{ ...base, services: [tcp] }]);
  await health(bothHealthy);
  const network = await lab.driver.network();
  const { body } = await ask(`http://${base.ipv4}:81/`);
  expect(body).toMatch(new RegExp(`^PROXY TCP4 ${network.ipv4.replace("0/24", "1")} ${base.ipv4} \\d+ 81$`));
});

test("a transfer that runs is not cut by a change, and no request is lost", async () => {
  await lab.driver.setBalancers([base]);
  await health(bothHealthy);
  const transfer = ask(`http://${base.ipv4}/slow`);
  let asking = true;
  const storm = (async () => {
    let asked = 0;
    for (; asking; asked++) await ask(`http://${base.ipv4}/`);
    return asked;
  })();
  for (const port of [8001, 8002, 8003]) {
    await lab.driver.setBalancers([{ ...base, services: [service(), service({ listenPort: port })] }]);
    expect((await ask(`http://${base.ipv4}:${port}/`)).status).toBe(200);
  }
  expect((await transfer).body).toHaveLength(32 * 32_768);
  asking = false;
  expect(await storm).toBeGreaterThan(10);
});

test("targets in a private network are reached through it, with the public interface off", async () => {
  const range = "10.9.0.0/16";
  const card = { network: 5, range, aliases: [] };
  await lab.driver.setPrivateInterfaces([
    { ...card, server: 1, mac: "86:00:00:00:00:01", address: "10.9.0.2" },
    { ...card, server: 2, mac: "86:00:00:00:00:02", address: "10.9.0.3" },
  ]);
  const own = { network: 5, range, mac: "86:00:00:00:00:0b", address: "10.9.0.4" };
  await lab.driver.setBalancers([
    {
      ...base,
      ipv4: null,
      ipv6: null,
      privateInterfaces: [own],
      targets: [
        { key: "server-1", address: "10.9.0.2" },
        { key: "server-2", address: "10.9.0.3" },
      ],
    },
  ]);
  await health(bothHealthy);
  const asked = await one.run("curl -s -m 20 http://10.9.0.4/");
  expect(JSON.parse(asked).headers["x-forwarded-for"]).toBe("10.9.0.2");
  // Taken out again while it runs.
  await lab.driver.setBalancers([{ ...base, ipv4: null, ipv6: null }]);
  expect(await one.run("curl -s -m 2 http://10.9.0.4/ || echo silent")).toBe("silent");
  await lab.driver.setPrivateInterfaces([]);
});

test("a balancer whose haproxy dies is there again", async () => {
  await lab.driver.setBalancers([base]);
  await health(bothHealthy);
  const group = (await ControlGroup.at(lab.names.cgroup)).child("balancer-1");
  const ours = await group.processes();
  const master = ours.find((pid) => readlinkSync(`/proc/${pid}/exe`).endsWith("/haproxy")) ?? 0;
  expect(master).not.toBe(0);
  process.kill(master, "SIGKILL");
  await waitFor("its end", () => (existsSync(`/proc/${master}`) ? null : true), 30_000);
  await waitFor(
    "an answer",
    () =>
      ask(`http://${base.ipv4}/`).then(
        () => true,
        () => null,
      ),
    60_000,
    50,
  );
});

test("balancers come back with the next daemon, and one that is left out is gone", async () => {
  await lab.driver.setBalancers([base]);
  await lab.kill();
  await lab.start();
  // Its servers are off now.
  await health({ "server-1": "unhealthy", "server-2": "unhealthy" });
  expect((await ask(`http://${base.ipv4}/`)).status).toBe(503);
  await lab.driver.setBalancers([]);
  expect(await lab.driver.balancerHealth()).toEqual([]);
  const socket = connect({ host: base.ipv4 ?? "", port: 80 });
  const outcome = await new Promise((resolve) => {
    socket.on("connect", () => resolve("open"));
    socket.on("error", () => resolve("unreachable"));
    socket.setTimeout(1_000, () => resolve("silent"));
  });
  socket.destroy();
  expect(outcome).not.toBe("open");
});
