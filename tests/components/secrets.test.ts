import { execFileSync } from "node:child_process";
import { setAllConfig } from "@pulumi/pulumi/runtime/index.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NixosHost, type NixosHostArgs } from "../../components/nixos-host.ts";
import { readStackConfig } from "../../components/stack-config.ts";
import { withHost } from "../unit/config/samples.ts";
import { access, planOf } from "./hosts.ts";
import {
  api,
  dependenciesOf,
  expectFamily,
  type MockOptions,
  only,
  placesOf,
  secret,
  underMocks,
  unknown,
} from "./mocks.ts";

const type = "berth:host:Secrets";
const values = { "db-url": "postgres://ada:hunter2@db/site", key: "k3y", other: "of another host" };
const given = { site: { DATABASE_URL: "db-url", KEY: "key" }, worker: { KEY: "key" }, idle: {} };

const make = (secrets = given as Record<string, Record<string, string>>, options?: MockOptions) =>
  underMocks(() => {
    const args: NixosHostArgs = {
      plan: planOf(withHost({ secrets }, { secrets: values })),
      access: access(),
      api,
      secrets: values,
    };
    return new NixosHost("web1", args);
  }, options);

describe("a host with secrets", () => {
  test("delivers each as a secret of its own, and no other host's", async () => {
    const { seen } = await make();
    expectFamily(seen, "web1");
    const { inputs, name } = only(seen, type);
    expect(name).toBe("web1-secrets");
    expect(inputs.credentials).toEqual({
      site: { DATABASE_URL: secret(values["db-url"]), KEY: secret(values.key) },
      worker: { KEY: secret(values.key) },
    });
    for (const value of Object.values(values)) expect(placesOf(value, seen)).toEqual([]);
    expect(JSON.stringify(inputs)).not.toContain(values.other);
  });

  test("delivers them after the installation and before the release, whose deployment takes the revision", async () => {
    const { seen } = await make();
    const secrets = only(seen, type);
    const deployment = only(seen, "berth:deploy:Deployment");
    expect(dependenciesOf(secrets)).toContain("web1-installation-install");
    expect(dependenciesOf(deployment)).toContain("web1-secrets");
    expect(deployment.inputs.credentials).toEqual({
      revision: "r1",
      names: { site: ["DATABASE_URL", "KEY"], worker: ["KEY"] },
    });
    expect(secrets.deletedWith).toMatch(/::web1-hardware-server$/);
  });

  test("knows in a preview what is delivered, but not the installation that it follows", async () => {
    const { seen } = await make(given, { preview: true });
    const { inputs } = only(seen, type);
    expect(inputs.installationId).toBe(unknown);
    expect(inputs.credentials).toMatchObject({ worker: { KEY: secret(values.key) } });
  });

  test("goes by the keys and the machine that its deployment goes by", async () => {
    const { seen } = await make();
    const { inputs } = only(seen, type);
    const deployment = only(seen, "berth:deploy:Deployment").inputs;
    for (const name of ["stack", "host", "address", "port", "hostKey", "loginKey", "machineId"])
      expect(inputs[name], name).toEqual(deployment[name]);
  });
});

test.each([
  ["without secrets", {}],
  ["whose services expect none", { site: {} }],
])("a host %s has nothing delivered", async (_, secrets) => {
  const { seen } = await make(secrets);
  expect(seen.resources.filter((one) => one.type === type)).toEqual([]);
  expect(only(seen, "berth:deploy:Deployment").inputs).not.toHaveProperty("credentials");
});

test("a secret that there is not is told by its name", async () => {
  await expect(make({ site: { KEY: "missing" } })).rejects.toThrow('there is no secret "missing"');
});

describe("a stack's secrets, as the engine hands them over", () => {
  const hosts = JSON.stringify({ web1: { system: "web", server: { type: "cx23", location: "fsn1" } } });
  beforeEach(() => {
    setAllConfig({ "berth:hosts": hosts, "berth:secrets": JSON.stringify({ "db-url": "hunter2" }) });
    vi.stubEnv("PULUMI_CONFIG", `{"berth:secrets":"{\\"db-url\\":\\"hunter2\\"}"}`);
  });
  afterEach(() => {
    setAllConfig({});
    vi.unstubAllEnvs();
  });

  test("are not in the environment of what the program starts", () => {
    vi.stubEnv("PULUMI_CONFIG_SECRET_KEYS", '["berth:secrets"]');
    expect(readStackConfig("dev").config.secrets).toEqual({ "db-url": "hunter2" });
    expect(execFileSync("env", { encoding: "utf8" })).not.toContain("hunter2");
  });

  test.each([
    ["are refused in the clear, without being repeated", "[]", 1],
    ["are refused beside another secret, too", '["hcloud:token"]', 1],
    ["are taken when the engine says that they are secret", '["berth:secrets"]', 0],
    ["are taken from an engine that does not say", "", 0],
  ])("%s", (_, keys, count) => {
    vi.stubEnv("PULUMI_CONFIG_SECRET_KEYS", keys);
    const { problems } = readStackConfig("dev");
    expect(problems).toHaveLength(count);
    if (count === 0) return;
    expect(problems[0]).toMatchObject({
      path: "berth:secrets",
      example: "pulumi config set --secret --path 'berth:secrets.db-url'",
    });
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });

  test.each([
    ["is refused in the clear, without being repeated", '["berth:secrets"]', 1],
    ["is taken as a secret", '["berth:secrets","berth:flyToken"]', 0],
  ])("the token of Fly's %s", (_, keys, count) => {
    setAllConfig({ "berth:hosts": hosts, "berth:flyToken": "FlyV1 fm2_hunter2" });
    vi.stubEnv("PULUMI_CONFIG_SECRET_KEYS", keys);
    const { config, problems } = readStackConfig("dev");
    expect(config.flyToken).toBe("FlyV1 fm2_hunter2");
    expect(problems.map(({ path, example }) => [path, example])).toEqual(
      Array(count).fill(["berth:flyToken", "pulumi config set --secret berth:flyToken"]),
    );
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });
});
