import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkout } from "../../../lab/setup/places.mjs";
import { type CloudStack, cloudStack } from "../../e2e/cloud-stack.ts";
import { withDeployment } from "./deployed-state.ts";
import { packByPlugin } from "./start-pack.ts";

/** The real engine with the pack of `policy/`, on a stack whose cloud is only a table. */

const own = join(checkout, "policy");
const server = "**web1-hardware-server";
/** Hardware alone: there is no machine to install. */
const hardware = ["--exclude", "**web1-installation-install", "--exclude-dependents"];
const everywhere = { stacks: ["lab"] };
/** What no rule has anything against. */
const good = {
  "berth:protect": true,
  "berth:access": { from: ["203.0.113.0/24"] },
  "berth:hosts": {
    web1: { system: "web", server: { type: "cx23", location: "fsn1" }, volumes: { data: 10 } },
  },
  "berth:dns": { "example.org": {} },
};

/** Why the language host at hand cannot start a pack. */
let tooOld: string | undefined;
let stack: CloudStack;
let pack = own;

beforeAll(async () => {
  stack = await cloudStack(join(checkout, ".lab-policy"));
  await stack.configure(good);
  const { output } = await stack.engine().run(["preview", "--policy-pack", own]);
  if (!/policy pack .* failed to start: .*not supported/.test(output)) return;
  tooOld = "this language host cannot start policy packs; Pulumi's own of the engine's version can";
  pack = await packByPlugin(stack.places);
});
afterAll(() => stack?.[Symbol.asyncDispose]());
beforeEach(() => stack.configure(good));

async function withPack(settings: Record<string, unknown>, args: string[]) {
  const file = join(stack.places.folder, "policy.json");
  await writeFile(file, JSON.stringify(settings));
  return stack.engine().run([...args, "--policy-pack", pack, "--policy-pack-config", file]);
}

async function preview(settings: Record<string, unknown>, ...args: string[]) {
  const { exitCode, output } = await withPack(settings, ["preview", ...args]);
  const refusals = [...output.matchAll(/- \[mandatory\] {2}(\S+) {2}\((.+)\)\n.*\n +(.+)/g)];
  return {
    exitCode,
    output,
    /** Each with its rule, its resource and what it says. */
    refused: refusals.map(([, rule, resource, message]) => [rule, resource, message]),
  };
}

test("the language host at hand starts the pack", async ({ skip }) => {
  skip(tooOld !== undefined, tooOld);
  const { exitCode, output } = await stack.engine().run(["preview", "--policy-pack", own]);
  expect(output).toContain("✅ berth@v");
  expect(exitCode, output).toBe(0);
});

test("a stack that keeps to every rule is let through", async () => {
  const { exitCode, output, refused } = await preview({
    protected: everywhere,
    "ssh-from-anywhere": everywhere,
    replaced: everywhere,
    "price-ceiling": { ...everywhere, perMonth: 6.56 },
  });
  expect(refused).toEqual([]);
  expect(output).toContain("✅ berth@v");
  expect(exitCode, output).toBe(0);
});

test("without settings the rules hold for production alone", async () => {
  await stack.configure({ ...good, "berth:protect": false, "berth:access": {} });
  const { exitCode, output } = await preview({});
  expect(output).toContain("✅ berth@v");
  expect(exitCode, output).toBe(0);
});

test("servers, volumes and zones without protection are refused", async () => {
  await stack.configure({ ...good, "berth:protect": false });
  const { exitCode, refused, output } = await preview({ protected: everywhere });
  expect(refused.toSorted(), output).toEqual([
    [
      "protected",
      "hcloud:index:Server: web1-hardware-server",
      expect.stringContaining("lab-web1 is without Pulumi's protect, Hetzner's deleteProtection"),
    ],
    ["protected", "hcloud:index:Volume: web1-volume-data-volume", expect.stringContaining("lab-web1-data")],
    ["protected", "hcloud:index:Zone: example.org-zone", expect.stringContaining("example.org is without")],
  ]);
  expect(exitCode).not.toBe(0);
});

test("ssh from anywhere is refused, unless the settings name the firewall", async () => {
  await stack.configure({ ...good, "berth:access": {} });
  const { exitCode, refused, output } = await preview({ "ssh-from-anywhere": everywhere });
  expect(refused, output).toEqual([
    [
      "ssh-from-anywhere",
      "hcloud:index:Firewall: web1-hardware-ssh-firewall",
      expect.stringContaining("lab-web1-ssh opens ssh (port 22) to 0.0.0.0/0 and ::/0. Next:"),
    ],
  ]);
  expect(exitCode).not.toBe(0);
  const allowed = await preview({ "ssh-from-anywhere": { ...everywhere, allow: ["lab-*-ssh"] } });
  expect(allowed.exitCode, allowed.output).toBe(0);
});

test("a stack above its ceiling is refused", async () => {
  const { exitCode, refused, output } = await preview({ "price-ceiling": { ...everywhere, perMonth: 6 } });
  expect(refused, output).toEqual([
    [
      "price-ceiling",
      "pulumi:pulumi:Stack: berth-lab",
      expect.stringContaining(
        "would cost 6.56 EUR/month (the program's own sum), which is 0.56 EUR/month above",
      ),
    ],
  ]);
  expect(exitCode).not.toBe(0);
});

test.each([
  ["of another shape", { protected: { stacks: "lab" } }, /protected: stacks: Invalid type/],
  ["no rule has", { protected: { stack: ["lab"] } }, /settings of this rule are not right.*"stack"/s],
  ["of a rule that there is not", { protectd: everywhere }, /configuring policy pack "berth"/],
])("settings %s are refused, without a stack trace", async (_, settings, said) => {
  const { exitCode, output } = await preview(settings);
  expect(output).toMatch(said);
  expect(output).not.toMatch(/\bat .*\.[jt]s:\d+/);
  expect(exitCode).not.toBe(0);
});

const ordered = async (kind: string) => ((await stack.cloud.get(`/${kind}`)).at(kind) as unknown[]).length;

test("an update whose preview breaks a rule over the stack changes nothing", async () => {
  const refused = { "price-ceiling": { ...everywhere, perMonth: 1 } };
  const { exitCode, output } = await withPack(refused, ["up", "--yes", ...hardware]);
  expect(output).toContain("above the ceiling of 1.00 EUR/month");
  expect(exitCode).not.toBe(0);
  expect([await ordered("firewalls"), await ordered("servers")]).toEqual([0, 0]);
});

test("an update without a preview stops at the first resource that a rule refuses", async () => {
  await stack.configure({ ...good, "berth:protect": false });
  const up = ["up", "--yes", "--skip-preview", ...hardware];
  const { exitCode, output } = await withPack({ protected: everywhere }, up);
  expect(output).toContain("is without Pulumi's protect");
  expect(exitCode).not.toBe(0);
  expect([await ordered("servers"), await ordered("volumes")]).toEqual([0, 0]);
});

describe("what replaces a host that was deployed to", () => {
  const rule = { replaced: everywhere };

  beforeAll(async () => {
    const unprotected = { ...good, "berth:protect": false };
    await stack.configure(unprotected);
    const up = await stack.engine().run(["up", "--yes", "--skip-preview", ...hardware]);
    expect(up.exitCode, up.output).toBe(0);
    const file = join(stack.places.folder, "state.json");
    await stack.engine().run(["stack", "export", "--file", file]);
    await writeFile(file, withDeployment(await readFile(file, "utf8"), "web1"));
    const imported = await stack.engine().run(["stack", "import", "--file", file]);
    expect(imported.exitCode, imported.output).toBe(0);
  });
  beforeEach(() => stack.configure({ ...good, "berth:protect": false }));

  test("an update that replaces nothing is let through", async () => {
    const { exitCode, output } = await preview(rule);
    expect(output).toContain("✅ berth@v");
    expect(exitCode, output).toBe(0);
  });

  test("a server is not replaced by hand", async () => {
    const { exitCode, refused, output } = await preview(rule, "--target-replace", server);
    expect(refused, output).toEqual([
      [
        "replaced",
        "hcloud:index:Server: web1-hardware-server",
        expect.stringContaining("the server of web1 would be replaced"),
      ],
    ]);
    expect(exitCode).not.toBe(0);
  });

  test("a server is not replaced by a change, unless the settings name its host", async () => {
    const moved = { web1: { system: "web", server: { type: "cx23", location: "nbg1" } } };
    await stack.configure({ ...good, "berth:protect": false, "berth:hosts": moved });
    const { exitCode, refused, output } = await preview(rule);
    expect(
      refused.map(([rule, resource]) => [rule, resource]),
      output,
    ).toEqual([["replaced", "hcloud:index:Server: web1-hardware-server"]]);
    expect(exitCode).not.toBe(0);
    const allowed = await preview({ replaced: { ...everywhere, allow: ["web1"] } });
    expect(allowed.exitCode, allowed.output).toBe(0);
  });

  test("a deployment is not replaced by hand", async () => {
    const { exitCode, refused, output } = await preview(rule, "--target-replace", "**web1-deployment");
    expect(refused, output).toEqual([
      [
        "replaced",
        "berth:deploy:Deployment: web1-deployment",
        expect.stringContaining("the deployment of web1 would be replaced"),
      ],
    ]);
    expect(exitCode).not.toBe(0);
  });

  test("what is protected is not replaced by hand, without the pack either", async () => {
    await stack.configure(good);
    const up = await stack.engine().run(["up", "--yes", "--skip-preview", ...hardware]);
    expect(up.exitCode, up.output).toBe(0);
    const { exitCode, output } = await stack.engine().run(["preview", "--target-replace", server]);
    expect(output).toContain("currently marked for protection");
    expect(exitCode).not.toBe(0);
  });
});
