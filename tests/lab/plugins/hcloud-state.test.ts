import { describe, expect, test } from "vitest";
import { secret, UNKNOWN, type Wire } from "../../unit/provider/client.ts";
import { publicKeys } from "../cloud/client.ts";
import { stage } from "./hcloud-engine.ts";

const plain = { name: "web", serverType: "cx23", image: "debian-13", location: "fsn1" };

describe("the state", () => {
  test("of a server holds every output of its type, user data as a hash and secret if it was", async () => {
    await using at = await stage();
    const made = await at.servers.create("web", { ...plain, userData: secret("#cloud-config\n") });
    expect(made.outputs).toEqual({
      id: made.id,
      name: "web",
      serverType: "cx23",
      image: "debian-13",
      location: "fsn1",
      userData: secret("wK9leoEi2xH7hUH5D+q3hxwsPXE="),
      sshKeys: null,
      labels: null,
      keepDisk: false,
      backups: false,
      backupWindow: "",
      rescue: null,
      iso: null,
      networks: [],
      publicNets: [],
      placementGroupId: 0,
      firewallIds: [],
      ignoreRemoteFirewallIds: false,
      deleteProtection: false,
      rebuildProtection: false,
      shutdownBeforeDeletion: false,
      allowDeprecatedImages: null,
      datacenter: null,
      ipv4Address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
      ipv6Address: expect.stringMatching(/::1$/),
      ipv6Network: expect.stringMatching(/::\/64$/),
      primaryDiskSize: 40,
      status: "running",
    });
  });

  test("of addresses, keys and firewalls is what the cloud answers, ids as texts", async () => {
    await using at = await stage();
    const key = await at.keys.create("k", { name: "k", publicKey: publicKeys[0] });
    expect(key.outputs).toEqual({
      id: key.id,
      name: "k",
      publicKey: publicKeys[0],
      labels: {},
      fingerprint: expect.stringMatching(/^(?:[0-9a-f]{2}:){15}[0-9a-f]{2}$/),
    });
    const ip = await at.ips.create("i", { name: "i", type: "ipv6", location: "fsn1" });
    expect(ip.outputs).toMatchObject({ assigneeId: 0, assigneeType: "unassigned", autoDelete: false });
    expect(`${ip.outputs.ipAddress}/64`).toBe(ip.outputs.ipNetwork);
    const firewall = await at.firewalls.create("f", {
      name: "f",
      rules: [{ direction: "in", protocol: "tcp", port: "22", sourceIps: ["2001:DB8::/32"] }],
    });
    expect(firewall.outputs).toEqual({
      id: firewall.id,
      name: "f",
      labels: {},
      applyTos: [],
      rules: [
        {
          direction: "in",
          protocol: "tcp",
          port: "22",
          description: "",
          sourceIps: ["2001:db8::/32"],
          destinationIps: [],
        },
      ],
    });
  });
});

describe("a name", () => {
  test("that is not given is made of the logical one, kept by updates and made anew by a replacement", async () => {
    await using at = await stage();
    const { name: _, ...args } = plain;
    const made = await at.servers.create("web", args);
    expect(made.inputs.name).toMatch(/^web-[0-9a-f]{7}$/);
    expect((await at.servers.engine.check("web", args, made.inputs)).inputs.name).toBe(made.inputs.name);
    expect((await at.servers.engine.check("web", args)).inputs.name).not.toBe(made.inputs.name);
  });

  test("of its own makes a server go before its successor comes; a made one does not", async () => {
    await using at = await stage();
    const own = await at.servers.create("web", plain);
    expect(await at.servers.diff("web", own, { ...plain, image: "debian-12" })).toMatchObject({
      replaces: ["image"],
      deleteBeforeReplace: true,
    });
    const { name: _, ...args } = plain;
    const made = await at.servers.create("other", args);
    expect(await at.servers.diff("other", made, { ...args, image: "debian-12" })).toMatchObject({
      replaces: ["image"],
      deleteBeforeReplace: false,
    });
  });

  test("of an SSH key or a primary IP does not, since the real provider's newer half knows no names", async () => {
    await using at = await stage();
    const key = await at.keys.create("k", { name: "k", publicKey: publicKeys[0] });
    const changed = { name: "k", publicKey: publicKeys[1] };
    expect(await at.keys.diff("k", key, changed)).toMatchObject({
      replaces: ["publicKey"],
      deleteBeforeReplace: false,
    });
  });
});

describe("a changed server", () => {
  const publicNets = [{ ipv4: 7 }];
  const args = {
    ...plain,
    userData: "a",
    sshKeys: ["login"],
    labels: { a: "1" },
    firewallIds: [1],
    publicNets,
  };
  const rest: Wire = {
    backups: false,
    placementGroupId: 0,
    publicNets: [{ ipv4: 7, ipv4Enabled: true, ipv6: 0, ipv6Enabled: true }],
  };
  const outputs = { ...args, userData: "hvfkN/qlp/zhXR3cuerq6jd2Z7g=", status: "running", id: "1", ...rest };

  test.each<[string, Wire, Record<string, string>]>([
    ["image", { image: "debian-12" }, { image: "update-replace" }],
    ["location", { location: "nbg1" }, { location: "update-replace" }],
    ["user data", { userData: "b" }, { userData: "update-replace" }],
    ["SSH keys", { sshKeys: ["other"] }, { sshKeys: "update-replace" }],
    ["user data that is not known yet", { userData: UNKNOWN }, { userData: "update-replace" }],
    ["an SSH key that is not known yet", { sshKeys: [UNKNOWN] }, { sshKeys: "update-replace" }],
    ["name", { name: "web2" }, { name: "update" }],
    ["type", { serverType: "cx33" }, { serverType: "update" }],
    ["labels", { labels: { "a.b": "2" } }, { "labels.a": "delete", 'labels["a.b"]': "add" }],
    ["backups", { backups: true }, { backups: "update" }],
    ["rescue", { rescue: "linux64" }, { rescue: "add" }],
    ["firewalls", { firewallIds: [2] }, { firewallIds: "update" }],
    ["a firewall that is not known yet", { firewallIds: [UNKNOWN] }, { firewallIds: "update" }],
    [
      "firewalls it is told to ignore",
      { firewallIds: [2], ignoreRemoteFirewallIds: true },
      { ignoreRemoteFirewallIds: "add" },
    ],
    ["firewalls it says nothing about", { firewallIds: null }, {}],
    ["public nets that are taken away", { publicNets: null }, { publicNets: "delete" }],
    ["public nets", { publicNets: [{ ipv4: 8 }] }, { publicNets: "update" }],
    ["nothing but the way a number is written", { firewallIds: ["1"] }, {}],
  ])("is replaced or updated for its %s", async (_, change, detailed) => {
    await using at = await stage();
    const made = { id: "1", inputs: args, outputs };
    const result = await at.servers.diff("web", made, { ...args, ...change });
    expect(result.detailed).toEqual(detailed);
    expect(result.changes).toBe(Object.keys(detailed).length > 0);
  });
});

test.each<[string, Wire[], boolean]>([
  ["in another order", [{ protocol: "icmp" }, { protocol: "tcp", port: "22" }], false],
  [
    "with ips in another order and case",
    [
      { protocol: "tcp", port: "22" },
      { protocol: "icmp", sourceIps: ["2001:DB8::/32", "::/0"] },
    ],
    false,
  ],
  ["with another port", [{ protocol: "tcp", port: "23" }, { protocol: "icmp" }], true],
  ["one fewer", [{ protocol: "icmp" }], true],
])("firewall rules %s are a change: %o -> %s", async (_, rules, changes) => {
  await using at = await stage();
  const rule = (more: Wire) => ({ direction: "in", sourceIps: ["::/0", "2001:db8::/32"], ...more });
  const made = await at.firewalls.create("f", {
    name: "f",
    rules: [rule({ protocol: "tcp", port: "22" }), rule({ protocol: "icmp" })],
  });
  expect((await at.firewalls.diff("f", made, { name: "f", rules: rules.map(rule) })).changes).toBe(changes);
});

describe("a preview", () => {
  test("of a new server shows what the program says and the defaults", async () => {
    await using at = await stage();
    const shown = await at.servers.create("web", { ...plain, firewallIds: [UNKNOWN] }, { preview: true });
    expect(shown.outputs).toMatchObject({
      ...plain,
      id: UNKNOWN,
      ipv4Address: UNKNOWN,
      status: UNKNOWN,
      firewallIds: [UNKNOWN],
      backups: false,
      labels: null,
      publicNets: [],
    });
    expect(at.requests()).toEqual([]);
  });

  test("of an update keeps addresses and id known, so that nothing below it looks changed", async () => {
    await using at = await stage();
    const made = await at.servers.create("web", plain);
    const shown = await at.servers.update("web", made, { ...plain, labels: { a: "1" } }, { preview: true });
    expect(shown.outputs).toEqual({ ...made.outputs, labels: { a: "1" } });
  });
});

describe("a refresh", () => {
  test("shows drift in inputs and outputs, and leaves the rest as the program wrote it", async () => {
    await using at = await stage();
    const made = await at.servers.create("web", { ...plain, labels: { a: "1" }, userData: "x" });
    await at.cloud.put(`/servers/${made.id}`, { name: "renamed", labels: { drift: "1" } });
    const seen = await at.servers.refresh("web", made);
    expect(seen.inputs).toEqual({ ...made.inputs, name: "renamed", labels: { drift: "1" } });
    expect(seen.outputs).toEqual({ ...made.outputs, name: "renamed", labels: { drift: "1" } });
    expect(
      (await at.servers.diff("web", seen, { ...plain, labels: { a: "1" }, userData: "x" })).detailed,
    ).toEqual({
      "labels.a": "add",
      "labels.drift": "delete",
      name: "update",
    });
  });

  test("of something untouched changes nothing", async () => {
    await using at = await stage();
    const args = {
      name: "f",
      rules: [{ direction: "in", protocol: "tcp", port: "80-85", sourceIps: ["::/0"] }],
    };
    const made = await at.firewalls.create("f", args);
    expect(await at.firewalls.refresh("f", made)).toEqual(made);
  });
});

describe("an import", () => {
  test("finds what the program would write, so that the program's own words are no change", async () => {
    await using at = await stage();
    const args = {
      name: "f",
      rules: [{ direction: "in", protocol: "tcp", port: "22", sourceIps: ["::/0"] }],
    };
    const { id } = await at.firewalls.create("f", args);
    const found = await at.firewalls.import("f", id);
    expect(found.inputs).toMatchObject({ name: "f", rules: [expect.objectContaining(args.rules[0] ?? {})] });
    expect((await at.firewalls.diff("f", found, args)).changes).toBe(false);
    const server = await at.servers.create("web", plain);
    const imported = await at.servers.import("web", server.id);
    expect((await at.servers.diff("web", imported, plain)).changes).toBe(false);
  });

  test("of what is not there finds nothing", async () => {
    await using at = await stage();
    expect((await at.keys.import("k", "777")).id).toBe("");
  });
});
