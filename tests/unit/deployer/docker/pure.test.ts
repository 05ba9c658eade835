import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ServiceSpec } from "../../../../config/container-spec.ts";
import { createArguments, variables } from "../../../../deployer/docker/arguments.ts";
import { lackingLayers, refusal, type WantedImage } from "../../../../deployer/docker/decide.ts";
import { driftOf } from "../../../../deployer/docker/drift.ts";
import { outsideOf } from "../../../../deployer/docker/health.ts";
import type { FoundContainer, Look } from "../../../../deployer/docker/look.ts";
import { chooseLocalPorts, configHash, containerName } from "../../../../deployer/docker/names.ts";

const id = `sha256:${"a".repeat(64)}`;
const spec: ServiceSpec = {
  name: "site",
  env: { LEVEL: "info" },
  secretEnv: { TOKEN: "hush" },
  secretFiles: { "cert.pem": "private" },
  ports: [{ address: "", host: 80, container: 8080, protocol: "tcp" }],
  mounts: [{ source: "data", target: "/data", readOnly: false }],
  user: "1000:1000",
  readOnly: true,
  writable: ["/tmp"],
  health: { path: "/healthz", port: 8080, status: 200, timeout: 5, from: "outside" },
  healthDeadline: 60,
  switch: "proxy",
  drain: 10,
  stop: { signal: "SIGINT", seconds: 40 },
  keep: 3,
  restart: "unless-stopped",
  limits: { memory: 256, cpus: 0.5, pids: 100 },
};
const proxyd = "/usr/lib/systemd/systemd-socket-proxyd";
const empty: Look = {
  engine: { version: "26.1.5", os: "linux", architecture: "amd64" },
  free: 10e9,
  proxy: proxyd,
  current: undefined,
  containers: [],
  images: [],
  ports: [],
  pulledAs: new Map(),
};
const container = (more: Partial<FoundContainer> = {}): FoundContainer => ({
  name: "site-1",
  stack: "prod",
  imageId: id,
  running: true,
  status: "running",
  exitCode: 0,
  restarts: 0,
  health: undefined,
  spec: { ports: spec.ports, healthDeadline: 60, switch: "proxy", stop: { seconds: 40 }, local: [20_001] },
  ...more,
});
const image = (more: Partial<WantedImage> = {}): WantedImage => ({
  id,
  architecture: "amd64",
  layers: [{ diffId: "sha256:1", size: 1e9 }],
  ...more,
});

describe("a container's name", () => {
  test("is another one with another secret, and the same one whatever only says how it is released", () => {
    const name = containerName(spec, id);
    expect(name).toMatch(/^site-a{12}-[0-9a-f]{8}$/);
    expect(containerName({ ...spec, secretEnv: { TOKEN: "other" } }, id)).not.toBe(name);
    expect(containerName({ ...spec, drain: 1, keep: 9, healthDeadline: 1 }, id)).toBe(name);
  });
  test("does not depend on the order in which somebody has written things", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (env) => {
        const reversed = Object.fromEntries(Object.entries(env).reverse());
        expect(configHash({ ...spec, env })).toBe(configHash({ ...spec, env: reversed }));
      }),
    );
  });
});

describe("local ports", () => {
  test("are the same for a name, free, different from each other, and below what a kernel hands out", () => {
    const taken = fc.uniqueArray(fc.integer({ min: 20_000, max: 29_999 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 8 }), taken, (name, count, used) => {
        const chosen = chooseLocalPorts(name, count, new Set(used));
        expect(chosen).toEqual(chooseLocalPorts(name, count, new Set(used)));
        expect(new Set(chosen).size).toBe(count);
        for (const port of chosen) {
          expect(used).not.toContain(port);
          expect(port).toBeGreaterThanOrEqual(20_000);
          expect(port).toBeLessThan(30_000);
        }
      }),
    );
  });
});

describe("what docker create is told", () => {
  const args = createArguments(spec, { stack: "prod", imageId: id }, "berth/site:id-aaaaaaaaaaaa", [20_001]);
  test("has every setting, the port on 127.0.0.1 alone, and the image behind all options", () => {
    const text = args.join(" ");
    for (const part of [
      "--restart unless-stopped",
      "--stop-signal SIGINT",
      "--stop-timeout 40",
      "--user 1000:1000",
      "--read-only",
      "--tmpfs /tmp",
      "--mount type=volume,source=data,target=/data",
      "--mount type=bind,source=@SECRETS@,target=/run/secrets,readonly",
      "--memory 256m",
      "--cpus 0.5",
      "--pids-limit 100",
      "--publish 127.0.0.1:20001:8080",
      "--label berth.stack=prod",
    ])
      expect(text).toContain(part);
    expect(args.at(-1)).toBe("berth/site:id-aaaaaaaaaaaa");
  });
  test("has no secret in it", () => {
    expect(args.join("\n")).not.toMatch(/hush|private/);
    expect(variables(spec)).toEqual(["LEVEL=info", "TOKEN=hush"]);
  });
  test("publishes as it is written where Docker does it itself", () => {
    const ports = [{ address: "::1", host: 53, container: 5353, protocol: "udp" as const }];
    expect(
      createArguments(
        { ...spec, ports, command: ["a b", "-c"] },
        { stack: "p", imageId: id },
        "image",
        [],
      ).slice(-5),
    ).toEqual(["--publish", "[::1]:53:5353/udp", "image", "a b", "-c"]);
  });
});

describe("layers to send", () => {
  const layers = ["a", "b", "c"].map((diffId) => ({ diffId }));
  const pulled = (...names: string[]) => new Map(names.map((name) => [name, { digest: name, size: 1 }]));
  const on = (...has: string[]) => ({ id: "x", architecture: "amd64", os: "linux", layers: has });
  test.each([
    ["nothing there: all", [], [], "abc"],
    ["the same beginning is there", [on("a", "b", "x")], ["a", "b", "x"], "c"],
    ["the longest beginning of several counts", [on("a"), on("a", "b")], ["a", "b"], "c"],
    ["a layer over another one is another layer", [on("x", "b", "c")], ["x", "b", "c"], "abc"],
    ["what was loaded is not known to a pull", [on("a", "b")], ["a"], "bc"],
    ["all there", [on("a", "b", "c")], ["a", "b", "c"], ""],
  ])("%s", (_, images, known, expected) => {
    const lacking = lackingLayers(layers, { images, pulledAs: pulled(...known) });
    expect(lacking.map(({ diffId }) => diffId).join("")).toBe(expected);
  });
});

test.each<[string, Partial<ServiceSpec>, WantedImage, Partial<Look>, RegExp | undefined]>([
  ["nothing speaks against it", {}, image(), {}, undefined],
  ["another architecture", {}, image({ architecture: "arm64" }), {}, /for arm64.*runs amd64/],
  [
    "a full disk",
    {},
    image(),
    { free: 1.5e9 },
    /disk is too full: the image takes 1000 MB there, and 1500 MB are free/,
  ],
  [
    "a full disk, but it is there already",
    {},
    image(),
    { free: 0, images: [{ id, architecture: "amd64", os: "linux" }] },
    undefined,
  ],
  ["no systemd to hand ports over", {}, image(), { proxy: undefined }, /systemd and root/],
  ["no systemd, and none is needed", { switch: "recreate" }, image(), { proxy: undefined }, undefined],
  [
    "another stack's service",
    {},
    image(),
    { containers: [container({ stack: "test" })] },
    /stack "test" has a service site/,
  ],
  ["a secret of several lines", { secretEnv: { KEY: "a\nb" } }, image(), {}, /KEY has more than one line/],
])("is refused or not: %s", (_, more, wanted, found, because) => {
  const no = refusal({ ...spec, ...more }, "prod", wanted, { ...empty, ...found });
  if (because === undefined) expect(no).toBeUndefined();
  else expect(no?.because).toMatch(because);
});

test.each<[string, Partial<Look>, RegExp | undefined]>([
  ["as it was left", {}, undefined],
  ["gone", { containers: [] }, /site-1 is gone/],
  ["stopped by hand", { containers: [container({ running: false, status: "exited" })] }, /site-1 is exited/],
  ["restarting", { containers: [container({ running: false, status: "restarting" })] }, /keeps restarting/],
  ["unhealthy", { containers: [container({ health: "unhealthy" })] }, /unhealthy/],
  ["replaced", { containers: [container({ imageId: "sha256:b" })] }, /another image/],
  [
    "another one beside it",
    { containers: [container(), container({ name: "site-2" })] },
    /site-2 runs beside it/,
  ],
  [
    "its port leads elsewhere",
    { ports: [{ address: "-", host: 80, local: 20_009, up: true }] },
    /port 80 does not lead/,
  ],
  [
    "its port is closed",
    { ports: [{ address: "-", host: 80, local: 20_001, up: false }] },
    /port 80 does not lead/,
  ],
])("drift: %s", (_, found, told) => {
  const port = { address: "-", host: 80, local: 20_001, up: true };
  const drift = driftOf(
    { container: "site-1", imageId: id },
    { ...empty, containers: [container()], ports: [port], ...found },
  );
  if (told === undefined) expect(drift).toEqual([]);
  else expect(drift.join("; ")).toMatch(told);
});

test.each<[string, Partial<ServiceSpec>, boolean, ReturnType<typeof outsideOf>]>([
  ["from outside, at the host's address", {}, false, { from: "outside", address: "198.51.100.7", port: 80 }],
  [
    "on the host behind a jump host, which this machine does not pass",
    {},
    true,
    { from: "host", address: "127.0.0.1", port: 80 },
  ],
  [
    "on the host where the port is only there",
    { ports: [{ address: "127.0.0.1", host: 9000, container: 8080, protocol: "tcp" }] },
    false,
    { from: "host", address: "127.0.0.1", port: 9000 },
  ],
  [
    "at the address that it is published at",
    { ports: [{ address: "203.0.113.9", host: 80, container: 8080, protocol: "tcp" }] },
    false,
    { from: "outside", address: "203.0.113.9", port: 80 },
  ],
  ["not at all where the port that is asked is not published", { ports: [] }, false, undefined],
])("is asked %s", (_, more, jump, expected) => {
  expect(outsideOf({ ...spec, ...more }, "198.51.100.7", jump)).toEqual(expected);
});
