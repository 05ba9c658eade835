import { stringify } from "smol-toml";
import { describe, expect, test } from "vitest";
import { FlyTomlError, type FlyTomlOptions, importFlyToml } from "../../../config/fly-toml.ts";
import { shellWords } from "../../../config/shell-words.ts";

const digest = `sha256:${"a".repeat(64)}`;
const options: FlyTomlOptions = { file: "fly.toml", beside: { image: { package: "site-image" } } };

/** Import a file that says this. */
const imported = (toml: object, beside: FlyTomlOptions["beside"] = {}) =>
  importFlyToml(stringify(toml), { ...options, beside: { ...options.beside, ...beside } });

/** Every problem of a file, with its place. */
function refused(toml: object, beside: FlyTomlOptions["beside"] = {}): string[] {
  try {
    imported(toml, beside);
  } catch (error) {
    if (error instanceof FlyTomlError)
      return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

const webecho = {
  app: "webecho",
  primary_region: "sea",
  build: { image: `registry.fly.io/webecho@${digest}` },
  deploy: { strategy: "rolling" },
  http_service: {
    internal_port: 8080,
    force_https: true,
    auto_stop_machines: "stop",
    auto_start_machines: true,
    min_machines_running: 1,
    processes: ["app"],
  },
  vm: [{ size: "shared-cpu-1x", memory: "256mb", cpu_kind: "shared", cpus: 1 }],
  checks: {
    echo: { type: "http", port: 8080, method: "get", path: "/echo", interval: "5s", timeout: "5s" },
  },
};

test("the example: a web app whose check gates, which it did not at Fly", () => {
  const { name, app, notes } = importFlyToml(stringify(webecho), { file: "fly.toml" });
  expect(name).toBe("webecho");
  expect(app).toMatchObject({
    primaryRegion: "sea",
    regions: { sea: 2 },
    image: { reference: `registry.fly.io/webecho@${digest}` },
    guest: { cpuKind: "shared", cpus: 1, memory: 256 },
    deploy: { strategy: "rolling" },
    checks: {},
  });
  expect(app.services).toEqual([
    {
      internalPort: 8080,
      protocol: "tcp",
      ports: [],
      forceHttps: true,
      autostop: "stop",
      autostart: true,
      minMachinesRunning: 1,
      processes: ["app"],
      checks: [
        { type: "http", interval: 5, timeout: 5, gracePeriod: 5, path: "/echo", method: "GET", headers: {} },
      ],
    },
  ]);
  expect(notes).toEqual([
    expect.stringMatching(/^checks\.echo: at Fly it informs alone; here it gates: .* port 8080/),
    expect.stringContaining("does not say how many machines there are: 2 in sea"),
  ]);
});

test("two processes, each with what is its own", () => {
  const { app, notes } = imported(
    {
      app: "shop",
      primary_region: "sea",
      processes: { web: "bin/web --greet 'good day'", worker: "bin/worker" },
      services: [
        {
          internal_port: 5432,
          processes: ["web"],
          protocol: "tcp",
          ports: [{ port: 443, handlers: ["tls"] }],
          tcp_checks: [{ interval: "1m30s", timeout: "2s" }],
        },
      ],
      checks: {
        metrics: { type: "http", port: 9090, path: "/metrics", processes: ["web"] },
        alive: { type: "tcp", port: 9000, processes: ["worker"] },
      },
      mounts: { source: "data", destination: "/data", initial_size: "10gb", processes: ["worker"] },
      vm: [{ memory: "1gb" }, { size: "performance-2x", processes: ["worker"] }],
      deploy: { release_command: "bin/migrate --all", release_command_timeout: "10m", max_unavailable: 0.5 },
      restart: [{ policy: "never" }],
      kill_signal: "SIGTERM",
      kill_timeout: "30s",
      env: { LEVEL: 3, QUIET: true },
    },
    { regions: { sea: 3 } },
  );
  expect(app.processes).toEqual({
    web: { command: ["bin/web", "--greet", "good day"] },
    worker: { command: ["bin/worker"], guest: { cpuKind: "performance", cpus: 2, memory: 4096 } },
  });
  expect(app.guest).toEqual({ cpuKind: "shared", cpus: 1, memory: 1024 });
  expect(app.services[0]?.checks).toMatchObject([
    { type: "tcp", interval: 90, timeout: 2 },
    { type: "http", path: "/metrics", port: 9090 },
  ]);
  expect(app.checks).toMatchObject({ alive: { type: "tcp", port: 9000, processes: ["worker"] } });
  expect(app.mounts).toEqual([{ volume: "data", path: "/data", size: 10, processes: ["worker"] }]);
  expect(app.releaseCommand).toMatchObject({ command: ["bin/migrate", "--all"], timeout: 600 });
  expect(app).toMatchObject({
    deploy: { maxUnavailable: 0.5 },
    restart: { policy: "no" },
    stop: { signal: "SIGTERM", timeout: 30 },
    env: { LEVEL: "3", QUIET: "true" },
    regions: { sea: 3 },
  });
  expect(notes).toEqual([
    expect.stringContaining("checks.metrics: at Fly it informs alone"),
    expect.stringContaining("checks.alive: there is no service"),
  ]);
});

test("what names no process is for the first by name, or for app", () => {
  const service = { app: "shop", primary_region: "sea", http_service: { internal_port: 80 } };
  const whose = (processes: Record<string, string>) =>
    imported({ ...service, processes }).app.services.map((one) => one.processes);
  expect(whose({ worker: "a", web: "b" })).toEqual([["web"]]);
  expect(whose({ worker: "a", app: "b", aa: "c" })).toEqual([["app"]]);
  expect(whose({ worker: "a" })).toEqual([[]]);
});

describe("what is not understood is an error with its place", () => {
  const app = { app: "shop", primary_region: "sea" };
  test.each<[string, object, string]>([
    [
      "a table there is nothing like",
      { statics: [{ guest_path: "/a", url_prefix: "/b" }] },
      "statics: there is nothing like it in Berth",
    ],
    [
      "a key deep inside",
      { http_service: { internal_port: 80, checks: [{ path: "/", every: "5s" }] } },
      "http_service.checks.0.every: there is nothing like it",
    ],
    [
      "a duration without a unit",
      { checks: { a: { type: "tcp", port: 1, interval: 5 } } },
      'checks.a.interval: a duration such as "5s"',
    ],
    ["a check of no port", { checks: { a: { type: "tcp" } } }, "checks.a.port: is missing"],
    ["a size that is none", { vm: [{ size: "huge" }] }, 'vm.0.size: "huge" is no size'],
    [
      "a machine of no process",
      { vm: [{ processes: ["web"] }] },
      'vm.0.processes: there is no process "web"',
    ],
    [
      "a quote that is not closed",
      { processes: { app: "bin/site 'x" } },
      "processes.app: a command line that can be split",
    ],
    ["a name that Fly would not take", { app: "My Shop" }, "app: an app at Fly is named by"],
    ["no app", { app: undefined }, "app: is missing"],
    [
      "bluegreen without checks",
      { http_service: { internal_port: 80 }, deploy: { strategy: "bluegreen" } },
      "deploy.strategy: bluegreen moves the traffic",
    ],
  ])("%s", (_, change, expected) => {
    const found = refused({ ...app, ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  test("an image by its tag, and a build that Berth does not do", () => {
    const build = { image: "registry.fly.io/shop:v1", dockerfile: "Dockerfile" };
    expect(refused({ ...app, build }, { image: undefined })).toEqual([
      expect.stringContaining("build.dockerfile: Berth takes images from the flake"),
      expect.stringContaining("build.image: registry.fly.io/shop:v1 is by tag only"),
    ]);
    expect(imported({ ...app, build }).notes).toContain(
      "build.dockerfile, build.image: not used, as the image is site-image.",
    );
  });

  test.each([
    ["a value that is missing", "app =\n", /^fly\.toml: this is not understood:\n {2}line 1, column 6: \S/],
    ["a key that is there twice", 'app = "a"\napp = "b"\n', /line 2, column \d+: .*redefine/],
  ])("a text that is no TOML, with its place: %s", (_, text, expected) => {
    expect(() => importFlyToml(text, options)).toThrow(expected);
  });
});

test.each<[string, string[] | undefined]>([
  ["bin/site  --port 80", ["bin/site", "--port", "80"]],
  [String.raw`sh -c 'echo "$HOME" \n'`, ["sh", "-c", String.raw`echo "$HOME" \n`]],
  [String.raw`a\ b "c \"d\" \e" f""g ''`, ["a b", String.raw`c "d" \e`, "fg", ""]],
  ["", []],
  ["a 'b", undefined],
  ["a \\", undefined],
])("%s is split as a shell does", (line, words) => {
  expect(shellWords(line)).toEqual(words);
});
