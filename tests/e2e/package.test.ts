import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../../lab/journey/pulumi.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type Elsewhere, projectElsewhere } from "../unit/packaging/elsewhere.ts";
import { type CloudStack, cloudStack } from "./cloud-stack.ts";

let stack: CloudStack;
let site: Elsewhere;
/** The lab's engine, Nix and cloud, and nothing that is this checkout's. */
let env: Record<string, string>;

beforeAll(async () => {
  stack = await cloudStack(join(checkout, ".lab-package"));
  const { PULUMI_OPTION_CONFIG_FILE: _, BERTH_LAB: __, ...rest } = stack.env;
  env = { HOME: process.env.HOME ?? "/", ...rest };
  site = await projectElsewhere(
    ["--name", "site", "--stack", "elsewhere", "--flake", `path:${stack.places.flake}`],
    env,
  );
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

test("a project that berth init has made previews with the package in node_modules, and is right by berth check", async (context) => {
  if (site.unreachable) context.skip(site.unreachable);
  const engine = new Engine(site.folder, env, () => undefined);
  const made = await engine.run(["stack", "init", "elsewhere"]);
  expect(made.exitCode, made.output).toBe(0);

  const checked = await site.run(join(site.folder, "node_modules/.bin/berth"), ["check", "--json"]);
  expect(checked.code, checked.output).toBe(0);
  expect(JSON.parse(checked.stdout)).toMatchObject({
    stack: "elsewhere",
    ok: true,
    flake: { systems: { web: "x86_64-linux" } },
    price: { monthly: 5.99, from: expect.stringMatching(/^Hetzner's API/) },
  });

  const preview = await engine.run(["preview", "-s", "elsewhere"]);
  expect(preview.exitCode, preview.output).toBe(0);
  expect(preview.output).toMatch(/hcloud:index:Server\s+web1-hardware-server/);
  expect(preview.output).toMatch(/berth:deploy:Deployment\s+web1-deployment/);
  expect(preview.output).toMatch(/pricePerMonth\s*: 5\.99/);
  const wrote = stack.cloud.requests.filter(({ method, status }) => method !== "GET" && status < 400);
  expect(wrote).toEqual([]);
  // A second stack's file, to see that each is looked at under its own name.
  await copyFile(join(site.folder, "Pulumi.elsewhere.yaml"), join(site.folder, "Pulumi.other.yaml"));
  expect(
    (await site.run(join(site.folder, "node_modules/.bin/berth"), ["-s", "other", "check"])).stdout,
  ).toMatch(/^Stack other, Pulumi\.other\.yaml\n/);
});
