import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { Engine } from "../../lab/journey/pulumi.ts";
import { Site } from "../../lab/journey/site.ts";
import { type Lab, up as labUp, reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type DockerServer, dockerServer } from "./docker-server.ts";

const folder = join(checkout, ".lab-e2e-containers");
const password = "for nobody to see";
let lab: Lab;
let server: DockerServer;
let engine: Engine;
let site: Site;

beforeAll(async () => {
  await reset({ folder });
  lab = await labUp({ folder });
  server = await dockerServer(lab, "engine");
  engine = new Engine(checkout, lab.env, () => undefined);
  site = new Site(join(lab.places.flake, "site"));
  await writeFile(join(folder, "motd"), "ahoy");
  await writeFile(join(folder, "compose.yaml"), stringify({ services: { web: watched } }));
  await configure();
  await letIn();
});
afterAll(async () => {
  await server?.session.close();
  await reset({ folder });
});

/** A service that says how it is by itself. */
const dollar = "$";
const watched = {
  image: "web",
  ports: ["8001:3000"],
  environment: { APP_ECHO_ME: `${dollar}{ECHO}` },
  volumes: ["./motd:/etc/motd:ro"],
  stop_grace_period: "3s",
  healthcheck: {
    test: [
      "CMD",
      "/usr/local/bin/node",
      "-e",
      "fetch('http://127.0.0.1:3000/healthz').then((a) => process.exit(a.ok ? 0 : 1))",
    ],
    interval: "1s",
    retries: 3,
    timeout: "3s",
  },
};
const image = { package: "dockerImage" };

/** The stack of the example, on this machine, and two containers beside it. */
async function configure(): Promise<void> {
  const example = parse(readFileSync(join(checkout, "examples/docker/stack.yaml"), "utf8"));
  const on = { address: server.address, hostKey: server.session.target.hostKeys[0] };
  const compose = {
    ...example["berth:containers"].site.compose,
    env: { SITE_PORT: 3000 },
    images: { site: image },
  };
  await writeFile(
    lab.places.stackFile,
    stringify({
      encryptionsalt: "v1:qSrf11h6TvE=:v1:VVPUDLaiNYNq1xhZ:c46RXaXd1LZc59b4cCTjLmc+ZiPMWg==",
      config: {
        "berth:protect": false,
        "berth:flake": `path:${lab.places.flake}`,
        "berth:containers": {
          example: { on, compose },
          site: {
            on,
            image,
            ports: ["8000:3000"],
            secrets: { APP_ECHO_ME: "echo" },
            healthDeadline: 15,
            drain: 1,
          },
          blog: {
            on,
            compose: {
              file: join(folder, "compose.yaml"),
              files: ["motd"],
              secrets: { ECHO: "echo" },
              images: { web: image },
              wait: 30,
            },
          },
        },
      },
    }),
  );
  const set = await engine.run(["config", "set", "--secret", "--path", "berth:secrets.echo", password]);
  expect(set.exitCode, set.output).toBe(0);
}

/** The stack's own key has to be let in, as the example says. */
async function letIn(): Promise<void> {
  const made = await engine.run([
    "up",
    "--yes",
    "--skip-preview",
    "--target",
    "**::login",
    "--target",
    "**::login-key",
  ]);
  expect(made.exitCode, made.output).toBe(0);
  const { output } = await engine.run(["stack", "export"]);
  const key = /"publicKey": "([^"]+)"/.exec(output)?.[1] ?? "";
  expect(key).toMatch(/^ssh-ed25519 /);
  await server.on(`echo '${key}' >>/root/.ssh/authorized_keys`);
}

const up = (...more: string[]) => engine.run(["up", "--yes", "--skip-preview", ...more]);
const ask = async (port: number, path = "/") => {
  const answer = await fetch(`http://${server.address}:${port}${path}`, {
    signal: AbortSignal.timeout(5_000),
    headers: { connection: "close" },
  });
  return { status: answer.status, body: await answer.text() };
};
const containers = async () => (await server.on("docker ps --no-trunc --quiet | sort")).split("\n");

/** Ask a port all the time meanwhile; what did not answer with 200. */
async function probing<Result>(port: number, during: () => Promise<Result>): Promise<[Result, string[]]> {
  const failed: string[] = [];
  let over = false;
  const loop = (async () => {
    while (!over) {
      const { status } = await ask(port, "/healthz").catch(() => ({ status: 0 }));
      if (status !== 200) failed.push(String(status));
      await sleep(20);
    }
  })();
  try {
    return [await during(), failed];
  } finally {
    over = true;
    await loop;
  }
}

test("a preview says what is to be built, and an update has all of it up, the example too", async () => {
  const preview = await engine.run(["preview"]);
  expect(preview.exitCode, preview.output).toBe(0);
  expect(preview.output).toContain("the image is not built yet; its id is known once it is");
  const text = await site.change("Ahoy");
  const run = await up();
  expect(run.exitCode, run.output).toBe(0);
  for (const port of [80, 8000, 8001]) expect((await ask(port)).body).toContain(text);
  for (const port of [8000, 8001]) expect((await ask(port, "/echo")).body).toContain(password);
  const outputs = await engine.run(["stack", "output", "containers", "--json"]);
  expect(JSON.parse(outputs.output)).toMatchObject({
    site: { on: server.address, image: expect.stringMatching(/^sha256:/) },
    blog: { on: server.address },
  });
});

test("the secret is nowhere in the clear: not in the state, not in what an update says", async () => {
  const state = await engine.run(["stack", "export"]);
  expect(state.output).not.toContain(password);
  const preview = await engine.run(["preview", "--diff"]);
  expect(preview.output).not.toContain(password);
});

test("unchanged, an update changes nothing and touches no container", async () => {
  const before = await containers();
  expect((await engine.preview()).filter(({ op }) => op !== "same")).toEqual([]);
  const run = await up();
  expect(run.exitCode, run.output).toBe(0);
  expect(run.output).toMatch(/\d+ unchanged/);
  expect(run.output).not.toMatch(/\d+ (updated|created|replaced)/);
  expect(await containers()).toEqual(before);
});

test("a new image is told before it goes out, and the service changes over without a failed request", async () => {
  const text = await site.change("Land ahead");
  const [run, failed] = await probing(8000, () => up());
  expect(run.exitCode, run.output).toBe(0);
  expect(failed).toEqual([]);
  expect(run.output).toMatch(/image [0-9a-f]{12} → [0-9a-f]{12}|is live after/);
  for (const port of [80, 8000, 8001]) expect((await ask(port)).body).toContain(text);
});

test("a bad image: the update fails with the reason, and the old release answers everywhere", async () => {
  const good = site.text;
  await site.break();
  const [run, failed] = await probing(8000, () => up("--continue-on-error"));
  expect(run.exitCode).not.toBe(0);
  expect(failed).toEqual([]);
  expect(run.output).toMatch(/healthz.*500|500.*healthz/s);
  expect(run.output).toMatch(/web is (unhealthy|starting) by its own check/);
  expect(run.output).toContain("Returned to the release before it; it was looked at again and is well");
  for (const port of [8000, 8001]) expect((await ask(port)).body).toContain(good);
  await site.mend();
  const mended = await up();
  expect(mended.exitCode, mended.output).toBe(0);
  for (const port of [80, 8000, 8001]) expect((await ask(port)).body).toContain(good);
});

test("a refresh sees what was stopped by hand, and the next update puts it right", async () => {
  await server.on("docker stop $(docker ps --quiet --filter label=berth.service=site) blog-web-1");
  const refresh = await engine.run(["refresh", "--yes", "--skip-preview"]);
  expect(refresh.exitCode, refresh.output).toBe(0);
  expect(refresh.output).toMatch(/web is exited; the next pulumi up puts that right/);
  expect(refresh.output).toMatch(
    /site-[0-9a-f]{12}-[0-9a-f]{8} is exited; the next pulumi up puts that right/,
  );
  const run = await up();
  expect(run.exitCode, run.output).toBe(0);
  for (const port of [8000, 8001]) expect((await ask(port)).status).toBe(200);
});

test("destroying the stack leaves no container, no image of its own and no secret", async () => {
  const run = await engine.run(["destroy", "--yes", "--skip-preview"]);
  expect(run.exitCode, run.output).toBe(0);
  expect(await server.on("docker ps --all --quiet")).toBe("");
  expect(await server.on("docker image ls --quiet 'berth/*'; docker image ls --quiet 'berth/*/*'")).toBe("");
  expect(await server.on(`grep -rl '${password}' /var/lib/berth /run/berth* 2>/dev/null || true`)).toBe("");
});
