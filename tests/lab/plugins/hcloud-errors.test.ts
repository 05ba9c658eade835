import { describe, expect, test } from "vitest";
import type { Fault } from "../../../lab/cloud/faults.ts";
import { hcloudStandIn } from "../../../lab/plugins/hcloud/provider.ts";
import { EngineDouble, UNKNOWN, type Wire } from "../../unit/provider/client.ts";
import { publicKeys, token } from "../cloud/client.ts";
import { refusal, type Stage, stage } from "./hcloud-engine.ts";

const plain = { name: "web", serverType: "cx23", image: "debian-13", location: "fsn1" };
const key = { name: "k", publicKey: publicKeys[0] };
const fault = (at: Stage, more: Partial<Fault>) => at.cloud.faults.add({ times: 1, delay: 0, ...more });
/** The id an answer of the cloud is known by differs from run to run. */
const words = (message: string) => message.replace(/, [0-9a-f]{8,}\)/g, ", ID)");

describe("an order that fails", () => {
  test.each<[string, Partial<Fault>, string]>([
    ["no room", { code: "resource_unavailable" }, "error during placement (resource_unavailable, ID)"],
    ["a limit", { code: "resource_limit_exceeded" }, "server limit reached (resource_limit_exceeded, ID)"],
    [
      "an input",
      {
        code: "invalid_input",
        message: "invalid input",
        details: { fields: [{ name: "name", messages: ["is too long", "bad"] }] },
      },
      "invalid input (invalid_input, ID): [name => [is too long bad]]",
    ],
  ])("for %s stores nothing and says it as the real provider does", async (_, order, expected) => {
    await using at = await stage();
    fault(at, { method: "POST", path: "/servers", ...order });
    const refused = await refusal(at.servers.create("web", plain));
    expect(words(refused.message)).toBe(`1 error occurred:\n\t* ${expected}\n\n`);
    expect(refused.stored).toBeUndefined();
  });

  test.each<[string, Wire, string]>([
    ["type", { serverType: "cx99" }, "server type cx99 not found"],
    ["image", { image: "nope-1" }, "image nope-1 for architecture x86 not found"],
    ["SSH key", { sshKeys: ["nobody"] }, "SSH key not found: nobody"],
  ])("for an unknown %s says so", async (_, args, expected) => {
    await using at = await stage();
    const refused = await refusal(at.servers.create("web", { ...plain, ...args }));
    expect(refused.message).toBe(`1 error occurred:\n\t* ${expected}\n\n`);
  });

  test("of a key in the newer half's words", async () => {
    await using at = await stage();
    await at.keys.create("k", key);
    expect(words((await refusal(at.keys.create("again", { ...key, name: "other" }))).message)).toBe(
      "API request failed: An unexpected error was encountered during an API request.\n\nSSH key not unique (uniqueness_error, ID)\n\nError code: uniqueness_error\nStatus code: 409\n",
    );
  });

  test("for an input of a primary IP names the field", async () => {
    await using at = await stage();
    const details = { fields: [{ name: "location", messages: ["unknown"] }] };
    fault(at, {
      method: "POST",
      path: "/primary_ips",
      code: "invalid_input",
      message: "invalid input",
      details,
    });
    const refused = await refusal(at.ips.create("i", { name: "i", type: "ipv4", location: "fsn1" }));
    expect(words(refused.message)).toBe(
      "Invalid field in API request: An invalid field was encountered during an API request. The field might not map 1:1 to your terraform resource.\n\ninvalid input (invalid_input, ID)\n\nField: location\nMessages:\n - unknown\nError code: invalid_input\nStatus code: 422\n",
    );
  });
});

test("a server whose action failed is remembered, so that it can be deleted", async () => {
  await using at = await stage({ actionMode: "running" });
  fault(at, { command: "create_server", code: "action_failed", message: "Action failed" });
  const refused = await refusal(at.servers.create("web", plain));
  expect(refused.message).toMatch(
    /^creating urn:.*::web: 1 error occurred:\n\t\* Action failed \(action_failed, \d+\)\n\n$/,
  );
  expect(refused.stored).toMatchObject({
    id: expect.stringMatching(/^\d+$/),
    outputs: { name: "web", status: null },
  });
});

describe("an update that fails", () => {
  test("keeps labels as they were, so that the next one sends them again", async () => {
    await using at = await stage();
    const made = await at.servers.create("web", { ...plain, labels: { a: "1" } });
    fault(at, { method: "PUT", path: "/servers/\\d+", code: "server_error", message: "boom" });
    const args = { ...plain, labels: { a: "2" } };
    const refused = await refusal(at.servers.update("web", made, args));
    expect(words(refused.message)).toMatch(
      /^updating urn:.*::web: 1 error occurred:\n\t\* boom \(server_error, ID\)\n\n$/,
    );
    const outputs = refused.stored?.outputs ?? {};
    expect((await at.servers.diff("web", { ...made, outputs }, args)).detailed).toEqual({
      "labels.a": "update",
    });
  });

  test("takes firewall rules for set, as the real provider does, until a refresh", async () => {
    await using at = await stage();
    const rules = (port: string) => ({
      name: "f",
      rules: [{ direction: "in", protocol: "tcp", port, sourceIps: ["::/0"] }],
    });
    const made = await at.firewalls.create("f", rules("22"));
    fault(at, {
      method: "POST",
      path: "/firewalls/\\d+/actions/set_rules",
      code: "server_error",
      message: "boom",
    });
    const refused = await refusal(at.firewalls.update("f", made, rules("443")));
    const stored = { ...made, outputs: refused.stored?.outputs ?? {} };
    expect((await at.firewalls.diff("f", stored, rules("443"))).changes).toBe(false);
    at.requests();
    const again = await at.firewalls.update("f", stored, rules("443"));
    expect(at.requests().map(([line]) => line.split(" ")[0])).toEqual(["GET", "GET"]);
    expect((await at.firewalls.diff("f", again, rules("443"))).changes).toBe(false);
    const seen = await at.firewalls.refresh("f", again);
    expect((await at.firewalls.diff("f", seen, rules("443"))).changes).toBe(true);
  });

  test("of a primary IP stores nothing new", async () => {
    await using at = await stage();
    const args = { name: "i", type: "ipv4", location: "fsn1" };
    const made = await at.ips.create("i", args);
    fault(at, { method: "PUT", path: "/primary_ips/\\d+", code: "server_error", message: "boom" });
    expect((await refusal(at.ips.update("i", made, { ...args, labels: { a: "1" } }))).stored).toBeUndefined();
  });
});

describe("the API's moods", () => {
  test.each<[string, Partial<Fault>]>([
    ["a rate limit", { code: "rate_limit_exceeded" }],
    ["a conflict", { code: "conflict" }],
    ["a gateway's error page", { instead: "bad_gateway" }],
  ])("%s is sat out", async (_, mood) => {
    await using at = await stage();
    fault(at, { method: "POST", path: "/ssh_keys", times: 3, ...mood });
    await at.keys.create("k", key);
    expect(at.requests().filter(([line]) => line === "POST /ssh_keys")).toHaveLength(4);
  });

  test("a rate limit without end is told after six tries", async () => {
    await using at = await stage();
    fault(at, { method: "POST", path: "/ssh_keys", times: 50, code: "rate_limit_exceeded" });
    const refused = await refusal(at.keys.create("k", key));
    expect(refused.message).toContain("Error code: rate_limit_exceeded\nStatus code: 429\n");
    expect(at.requests()).toHaveLength(6);
  });

  test.each<[string, Partial<Fault>, RegExp]>([
    ["a server error", { code: "server_error", message: "boom" }, /boom \(server_error, ID\)/],
    ["a lock", { code: "locked" }, /server is locked \(locked, ID\)/],
    ["a dropped connection", { instead: "drop" }, /Post "http:\/\/127\.0\.0\.1:\d+\/v1\/ssh_keys": /],
  ])("%s is told at once", async (_, mood, expected) => {
    await using at = await stage();
    fault(at, { method: "POST", path: "/ssh_keys", ...mood });
    expect(words((await refusal(at.keys.create("k", key))).message)).toMatch(expected);
    expect(at.requests().length).toBeLessThanOrEqual(1);
  });

  test("a wrong token is told in the API's words", async () => {
    await using at = await stage();
    await at.keys.engine.configure({ token: "f".repeat(64) });
    expect((await refusal(at.keys.create("k", key))).message).toContain(
      "the token you have provided is invalid (unauthorized",
    );
  });

  test("a wait ends when the engine cancels", async () => {
    await using at = await stage();
    fault(at, { method: "POST", path: "/ssh_keys", delay: 60_000 });
    const refused = refusal(at.keys.create("k", key));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await at.keys.engine.cancel();
    expect((await refused).message).toContain("cancelled");
  });
});

describe("inputs", () => {
  test.each<[string, Wire, string]>([
    [
      "a misspelt protocol",
      { rules: [{ direction: "in", protocol: "tpc" }] },
      "tpc is not a valid protocol. Examine values at 'f.rules'.",
    ],
    [
      "a misspelt direction",
      { rules: [{ direction: "inward", protocol: "tcp" }] },
      "inward is not a valid direction. Examine values at 'f.rules'.",
    ],
    [
      "a network with host bits",
      { rules: [{ direction: "in", protocol: "tcp", sourceIps: ["1.2.3.4/24"] }] },
      "1.2.3.4/24 is not the start of the cidr block 1.2.3.0/24. Examine values at 'f.rules'.",
    ],
    [
      "an address without a network",
      { rules: [{ direction: "in", protocol: "tcp", sourceIps: ["1.2.3.4"] }] },
      "invalid CIDR address: 1.2.3.4. Examine values at 'f.rules'.",
    ],
    [
      "a label",
      { labels: { "a b": "c" } },
      "label key 'a b' is not correctly formatted. Examine values at 'f.labels'.",
    ],
    ["an unknown input", { ports: [22] }, "ports: the lab's stand-in for hcloud does not know this input"],
    [
      "an unknown input of a block",
      { rules: [{ direction: "in", protocol: "tcp", ports: 22 }] },
      "rules[0].ports: the lab's stand-in for hcloud does not know this input",
    ],
    [
      "a block without what it needs",
      { rules: [{ direction: "in" }] },
      `Missing required argument. The argument "rules.0.protocol" is required, but no definition was found.. Examine values at 'f.rules[0].protocol'.`,
    ],
    ["a list that is none", { rules: "tcp" }, 'rules: a list of blocks is needed, this is "tcp"'],
  ])("of a firewall are refused for %s", async (_, args, expected) => {
    await using at = await stage();
    expect(await at.firewalls.faults("f", args)).toEqual([expected]);
  });

  test("of a server are refused where the cloud has moved on, and where one is missing", async () => {
    await using at = await stage();
    expect(await at.servers.faults("web", { ...plain, datacenter: "fsn1-dc14" })).toEqual([
      "Removed Attribute. The datacenter attribute is marked for removal, you must use the location attribute instead. See https://docs.hetzner.cloud/changelog#2026-07-01-removing-datacenters.. Examine values at 'web.datacenter'.",
    ]);
    expect(await at.servers.faults("web", { image: "debian-13" })).toEqual([
      `Missing required argument. The argument "server_type" is required, but no definition was found.. Examine values at 'web.serverType'.`,
    ]);
  });

  test("of a primary IP need one place, and what is unknown yet counts as given", async () => {
    await using at = await stage();
    expect(await at.ips.faults("i", { type: "ipv4" })).toEqual([
      "Missing Attribute Configuration. Exactly one of these attributes must be configured: [location,assignee_id]",
    ]);
    expect(
      await at.ips.faults("i", { type: "ipv4", location: "fsn1", assigneeId: 5, assigneeType: "server" }),
    ).toEqual([
      "Invalid Attribute Combination. Exactly one of these attributes must be configured: [location,assignee_id]. Examine values at 'i.location'.",
    ]);
    expect(await at.ips.faults("i", { type: "ipv4", location: UNKNOWN })).toEqual([]);
    expect(await at.ips.faults("i", { type: "ipv4", location: "fsn1", autoDelete: "maybe" })).toEqual([
      'autoDelete: true or false is needed, this is "maybe"',
    ]);
  });
});

describe("the configuration", () => {
  const start = (environment: NodeJS.ProcessEnv) =>
    EngineDouble.start(hcloudStandIn(environment), "hcloud:index/storageBox:StorageBox");

  test.each<[string, Wire, NodeJS.ProcessEnv, string[]]>([
    ["a token of 64 characters", { token }, {}, []],
    ["one from the environment", {}, { HCLOUD_TOKEN: token }, []],
    ["an unknown token", { token: UNKNOWN }, {}, []],
    [
      "a short token",
      { token: "abc" },
      {},
      [
        "could not validate provider configuration: entered token is invalid (must be exactly 64 characters long). Check `pulumi config get hcloud:token`.",
      ],
    ],
    [
      "no duration",
      { token, pollInterval: "fast" },
      {},
      [expect.stringMatching(/"fast" is no duration such as "500ms"/)],
    ],
    [
      "no way of polling",
      { token, pollFunction: "linear" },
      {},
      [expect.stringMatching(/"linear" is neither/)],
    ],
  ])("of %s is judged where the provider is registered", async (_, config, environment, reasons) => {
    await using engine = await start(environment);
    expect(await engine.checkConfig(config)).toEqual(reasons);
  });

  test("without a token is refused, and with one the stand-in says what it is", async () => {
    await using engine = await start({});
    expect((await refusal(engine.configure())).message).toMatch(/^Missing Hetzner Cloud API token: /);
    await engine.configure({ token });
    await expect
      .poll(() => engine.log.map(({ message }) => message))
      .toEqual([
        expect.stringMatching(/^The lab's stand-in plays the provider plugin hcloud \d+\.\d+\.\d+\./),
      ]);
  });

  test("does not bring the stand-in a resource it does not have", async () => {
    await using engine = await start({ HCLOUD_TOKEN: token });
    expect((await refusal(engine.check("v", {}))).message).toBe(
      "the lab's stand-in for hcloud does not have hcloud:index/storageBox:StorageBox; install the real plugin",
    );
  });
});
