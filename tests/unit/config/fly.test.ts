import { describe, expect, test } from "vitest";
import { z } from "zod";
import { explain } from "../../../config/explain.ts";
import { type FlyAppInput, flyApps, parseFlyApp } from "../../../config/fly.ts";
import { flyPackages, matchFlyPackages } from "../../../config/fly-images.ts";
import { addressesOf, missingFlySecrets, portsOf, processNames } from "../../../config/fly-rules.ts";

const digest = `sha256:${"a".repeat(64)}`;
const least: FlyAppInput = { regions: { sea: 1 }, image: { package: "site-image" } };
const check = { path: "/healthz" };

/** What is said of an app, with its place, as in a stack's configuration. */
function said(app: unknown, name = "shop"): string[] {
  const schema = z.object({ fly: flyApps });
  const raw = { fly: { [name]: app } };
  const parsed = schema.safeParse(raw);
  if (parsed.success) return [];
  return parsed.error.issues
    .flatMap((issue) => explain(schema, issue, raw))
    .map(({ path, message }) => `${path}: ${message}`);
}

test("an app needs regions and an image, and has defaults for the rest", () => {
  const app = parseFlyApp(least);
  expect(app).toMatchObject({
    organization: "personal",
    guest: { cpuKind: "shared", cpus: 1, memory: 256 },
    deploy: { strategy: "rolling", maxUnavailable: 0.33, waitTimeout: 300, steadyFor: 10 },
  });
  expect(processNames(app)).toEqual(["app"]);
  expect(addressesOf(app)).toEqual([]);
});

test("a service without ports is reached by http and https, and its app has a shared IPv4 address", () => {
  const app = parseFlyApp({ ...least, services: [{ internalPort: 8080, forceHttps: true }] });
  expect(app.services.flatMap(portsOf)).toEqual([
    { port: 80, handlers: ["http"], forceHttps: true },
    { port: 443, handlers: ["http", "tls"], forceHttps: false },
  ]);
  expect(addressesOf(app)).toEqual(["v6", "shared_v4"]);
});

describe("what cannot go well is refused with its place", () => {
  const service = { internalPort: 8080 };
  test.each<[string, object, string]>([
    [
      "an image by its tag alone",
      { image: { reference: "registry.fly.io/shop:v1" } },
      "image.reference: an image by its digest",
    ],
    ["no image at all", { image: {} }, "image: exactly one of package, archive"],
    [
      "two images",
      { image: { package: "site", reference: `shop@${digest}` } },
      "image: exactly one of package, archive",
    ],
    [
      "an image for machines that Fly does not have",
      { image: { package: "site-image", system: "aarch64-linux" } },
      "image.system: Fly's machines are x86_64-linux",
    ],
    ["no region", { regions: {} }, "regions: at least one region"],
    [
      "no machine in a region",
      { regions: { sea: 0 } },
      "regions.sea: a whole number of machines from 1 to 100",
    ],
    [
      "a region that is none",
      { regions: { seattle: 1 } },
      "regions.seattle: a region is named by three letters",
    ],
    [
      "a key there is not",
      { region: "sea" },
      "region: there is no such key; there are toml, organization, primaryRegion",
    ],
    [
      "bluegreen without a check",
      { services: [service], deploy: { strategy: "bluegreen" } },
      "deploy.strategy: bluegreen moves the traffic once",
    ],
    [
      "bluegreen where one of two processes has no check",
      {
        processes: { web: {}, worker: {} },
        services: [{ ...service, processes: ["web"], checks: [check] }],
        deploy: { strategy: "bluegreen" },
      },
      "deploy.strategy: bluegreen moves the traffic once the new machines are healthy, and nothing is asked of worker",
    ],
    [
      "canary with volumes",
      { mounts: [{ volume: "data", path: "/data" }], deploy: { strategy: "canary" } },
      "deploy.strategy: canary makes machines beside",
    ],
    [
      "bluegreen with volumes",
      { mounts: [{ volume: "data", path: "/data" }], deploy: { strategy: "bluegreen" } },
      "deploy.strategy: bluegreen makes machines beside",
    ],
    [
      "a strategy that is none",
      { deploy: { strategy: "blue" } },
      "deploy.strategy: rolling, canary, bluegreen, immediate",
    ],
    [
      "one and a half machines at once",
      { deploy: { maxUnavailable: 1.5 } },
      "deploy.maxUnavailable: a number of machines, or a share below 1",
    ],
    [
      "two volumes in a machine",
      {
        mounts: [
          { volume: "a", path: "/a" },
          { volume: "b", path: "/b" },
        ],
      },
      "mounts.1: a machine has one volume at most",
    ],
    ["three shared cores", { guest: { cpus: 3 } }, "guest.cpus: shared machines have 1, 2, 4, 6, 8 cores"],
    [
      "too little memory for cores of its own",
      { guest: { cpuKind: "performance", memory: 1024 } },
      "guest.memory: a performance machine with 1 of cores has from 2048 to 8192 MB",
    ],
    ["memory that is not sold", { guest: { memory: 300 } }, "guest.memory: a number of MB that 256 divides"],
    [
      "a process that is none",
      { services: [{ ...service, processes: ["web"] }] },
      'services.0.processes: there is no process "web"; there are app',
    ],
    [
      "a service of nobody in particular",
      { processes: { web: {}, worker: {} }, services: [service] },
      "services.0.processes: is missing; say for which of the processes: web, worker",
    ],
    [
      "a check without a page",
      { services: [{ ...service, checks: [{}] }] },
      "services.0.checks.0.path: is missing; which page",
    ],
    [
      "a page of a connection",
      { services: [{ ...service, checks: [{ type: "tcp", path: "/" }] }] },
      "services.0.checks.0.path: only a check of type http",
    ],
    [
      "a check all the time",
      { services: [{ ...service, checks: [{ ...check, interval: 1 }] }] },
      "services.0.checks.0.interval: a whole number of seconds from 2",
    ],
    [
      "a machine that stops for good",
      { services: [{ ...service, autostop: "stop", autostart: false }] },
      "services.0.autostart: a machine that stops by itself",
    ],
    [
      "a port of its own on a shared address",
      { services: [{ ...service, ports: [{ port: 5432 }] }] },
      "addresses: is missing; a shared IPv4 address takes 80 and 443 alone, and there is 5432",
    ],
    [
      "https where nothing reads requests",
      { services: [{ ...service, ports: [{ port: 443, handlers: ["tls"], forceHttps: true }] }] },
      "services.0.ports.0.forceHttps: only a port with the handler http",
    ],
    [
      "more at ease than at most",
      { services: [{ ...service, concurrency: { soft: 9, hard: 3 } }] },
      "services.0.concurrency.soft: not more than hard",
    ],
    [
      "a variable twice",
      { env: { TOKEN: "x" }, secrets: { TOKEN: "token" } },
      "env.TOKEN: it is among secrets, too",
    ],
    ["an address without a kind", { addresses: ["ipv4"] }, "addresses.0: v6, shared_v4, v4, private_v6"],
    [
      "a certificate for an address",
      { certificates: ["https://example.org"] },
      "certificates.0: a domain in lower case",
    ],
  ])("%s", (_, change, expected) => {
    const found = said({ ...least, ...change });
    expect(found).toEqual([expect.stringContaining(`berth:fly.shop.${expected}`)]);
  });

  test("an app's name that Fly would not take", () => {
    expect(said(least, "My_Shop")).toEqual([
      "berth:fly.My_Shop: an app at Fly is named by 1 to 63 letters a-z, digits and inner hyphens",
    ]);
  });

  test("a secret that the stack does not have", () => {
    const apps = { shop: parseFlyApp({ ...least, secrets: { APP_ECHO_ME: "echo-me", KEY: "key" } }) };
    expect(missingFlySecrets(apps, { key: "x" })).toEqual([
      {
        path: "berth:fly.shop.secrets.APP_ECHO_ME",
        message: 'there is no secret "echo-me" under berth:secrets; there are key',
        example: "pulumi config set --secret --path 'berth:secrets.echo-me'",
      },
    ]);
  });
});

test("an app's package is found in the flake, or told with those that are there", () => {
  const store = (name: string) => `/nix/store/${"a".repeat(32)}-${name}`;
  const image = { drvPath: store("image.drv"), out: store("image"), facts: {}, created: null };
  const apps = {
    shop: parseFlyApp(least),
    blog: parseFlyApp({ ...least, image: { package: "blog-image" } }),
    wiki: parseFlyApp({ ...least, image: { reference: `wiki@${digest}` } }),
  };
  expect(flyPackages(apps)).toEqual([
    { system: "x86_64-linux", name: "site-image" },
    { system: "x86_64-linux", name: "blog-image" },
  ]);
  const evaluated = {
    "packages.x86_64-linux.site-image": image,
    "packages.x86_64-linux.blog-image": { instead: ["site", "site-image"] },
  };
  expect(matchFlyPackages(apps, evaluated)).toEqual({
    packages: {
      shop: { path: "packages.x86_64-linux.site-image", drvPath: image.drvPath, out: image.out },
    },
    problems: [
      {
        path: "berth:fly.blog.image.package",
        message: "the flake has no packages.x86_64-linux.blog-image; there are site, site-image",
      },
    ],
  });
});

test("what a bluegreen release of processes with checks needs is enough", () => {
  expect(
    said({
      ...least,
      processes: { web: { command: ["bin/web"] }, worker: { regions: { fra: 1 } } },
      services: [{ internalPort: 8080, processes: ["web"], checks: [check] }],
      checks: { alive: { type: "tcp", port: 9000, processes: ["worker"] } },
      deploy: { strategy: "bluegreen" },
    }),
  ).toEqual([]);
});
