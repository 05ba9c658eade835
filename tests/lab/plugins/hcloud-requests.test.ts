import { describe, expect, test } from "vitest";
import { publicKeys } from "../cloud/client.ts";
import { stage } from "./hcloud-engine.ts";

/** The requests the real provider was seen to send for the same steps. */

const RULES = [
  { direction: "in", protocol: "tcp", port: "22", sourceIps: ["0.0.0.0/0", "::/0"], description: "ssh" },
  { direction: "in", protocol: "icmp", sourceIps: ["0.0.0.0/0"] },
];
const RULES_BODY = [
  { direction: "in", source_ips: ["0.0.0.0/0", "::/0"], protocol: "tcp", port: "22", description: "ssh" },
  { direction: "in", source_ips: ["0.0.0.0/0"], protocol: "icmp" },
];
const plain = { name: "web", serverType: "cx23", image: "debian-13", location: "fsn1" };

describe("an SSH key", () => {
  test("is one request to make, to change and to delete", async () => {
    await using at = await stage();
    const args = { name: "login", publicKey: publicKeys[0] };
    const made = await at.keys.create("login", args);
    expect(at.requests()).toEqual([
      ["POST /ssh_keys", { name: "login", public_key: publicKeys[0], labels: {} }],
    ]);
    await at.keys.update("login", made, { ...args, name: "login2", labels: { k: "v" } });
    expect(at.requests()).toEqual([[`PUT /ssh_keys/${made.id}`, { name: "login2", labels: { k: "v" } }]]);
    await at.keys.refresh("login", made);
    await at.keys.delete("login", made);
    expect(at.requests()).toEqual([[`GET /ssh_keys/${made.id}`], [`DELETE /ssh_keys/${made.id}`]]);
    await at.keys.delete("login", made);
  });
});

describe("a primary IP", () => {
  test("is ordered and read, changed by what changed, always put at last", async () => {
    await using at = await stage();
    const args = { name: "web-4", type: "ipv4", location: "fsn1", autoDelete: false, labels: { a: "b" } };
    const made = await at.ips.create("ip", args);
    const path = `/primary_ips/${made.id}`;
    expect(at.requests()).toEqual([
      [
        "POST /primary_ips",
        { name: "web-4", type: "ipv4", labels: { a: "b" }, auto_delete: false, location: "fsn1" },
      ],
      [`GET ${path}`],
    ]);
    const guarded = await at.ips.update("ip", made, { ...args, deleteProtection: true, labels: { z: "1" } });
    expect(at.requests()).toEqual([
      [`POST ${path}/actions/change_protection`, { delete: true }],
      [`PUT ${path}`, { labels: { z: "1" } }],
    ]);
    await at.ips.update("ip", guarded, { ...args, labels: { z: "1" } });
    expect(at.requests()).toEqual([
      [`POST ${path}/actions/change_protection`, { delete: false }],
      [`PUT ${path}`],
    ]);
    await at.ips.delete("ip", made);
    expect(at.requests()).toEqual([[`DELETE ${path}`]]);
  });

  test("that a server holds is taken from it before it goes", async () => {
    await using at = await stage();
    const made = await at.ips.create("ip", { name: "web-4", type: "ipv4", location: "fsn1" });
    const server = await at.servers.create("web", {
      ...plain,
      publicNets: [{ ipv4: Number(made.id), ipv6Enabled: false }],
    });
    const held = await at.ips.refresh("ip", made);
    expect(held.outputs).toMatchObject({ assigneeId: Number(server.id), assigneeType: "server" });
    at.requests();
    await at.ips.delete("ip", held);
    expect(at.requests()).toEqual([
      [`GET /servers/${server.id}`],
      [`POST /servers/${server.id}/actions/poweroff`],
      [`POST /primary_ips/${made.id}/actions/unassign`],
      [`POST /servers/${server.id}/actions/poweron`],
      [`DELETE /primary_ips/${made.id}`],
    ]);
  });
});

describe("a firewall", () => {
  test("is made without what is empty, and changed in the provider's order", async () => {
    await using at = await stage();
    const made = await at.firewalls.create("fw", { name: "web", rules: RULES });
    const path = `/firewalls/${made.id}`;
    expect(at.requests()).toEqual([["POST /firewalls", { name: "web", rules: RULES_BODY }], [`GET ${path}`]]);
    await at.firewalls.update("fw", made, { name: "fw2", labels: { q: "1" }, rules: [RULES[1]] });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`PUT ${path}`, { name: "fw2" }],
      [`POST ${path}/actions/set_rules`, { rules: [RULES_BODY[1]] }],
      [`PUT ${path}`, { labels: { q: "1" } }],
      [`GET ${path}`],
    ]);
    await at.firewalls.delete("fw", made);
    expect(at.requests()).toEqual([[`GET ${path}`], [`DELETE ${path}`]]);
  });

  test("keeps its rules at the cloud when the program takes the last one away", async () => {
    await using at = await stage();
    const made = await at.firewalls.create("fw", { name: "web", rules: RULES });
    at.requests();
    const changed = await at.firewalls.update("fw", made, { name: "web" });
    expect(at.requests()).toEqual([[`GET /firewalls/${made.id}`], [`GET /firewalls/${made.id}`]]);
    expect(changed.outputs.rules).toEqual([]);
    const seen = await at.firewalls.refresh("fw", changed);
    expect(seen.outputs.rules).toHaveLength(2);
  });

  test("is moved from one selector to another, and let go before it is deleted", async () => {
    await using at = await stage();
    const target = (selector: string) => ({ type: "label_selector", label_selector: { selector } });
    const made = await at.firewalls.create("fw", { name: "f", applyTos: [{ labelSelector: "a=b" }] });
    const path = `/firewalls/${made.id}`;
    expect(at.requests()[0]).toEqual(["POST /firewalls", { name: "f", apply_to: [target("a=b")] }]);
    const moved = await at.firewalls.update("fw", made, { name: "f", applyTos: [{ labelSelector: "a=c" }] });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`POST ${path}/actions/remove_from_resources`, { remove_from: [target("a=b")] }],
      [`POST ${path}/actions/apply_to_resources`, { apply_to: [target("a=c")] }],
      [`GET ${path}`],
    ]);
    await at.firewalls.delete("fw", moved);
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`POST ${path}/actions/remove_from_resources`, { remove_from: [target("a=c")] }],
      [`DELETE ${path}`],
    ]);
  });
});

describe("a server", () => {
  test("is ordered with ids looked up, its actions waited for one after the other", async () => {
    await using at = await stage({ actionMode: "running" });
    const key = await at.keys.create("k", { name: "k", publicKey: publicKeys[0] });
    const ip = await at.ips.create("ip", { name: "web-4", type: "ipv4", location: "fsn1" });
    const firewall = await at.firewalls.create("fw", { name: "fw", rules: RULES });
    at.requests();
    const server = await at.servers.create("web", {
      ...plain,
      sshKeys: [key.id],
      userData: "#cloud-config\n",
      labels: { stack: "dev" },
      publicNets: [{ ipv4Enabled: true, ipv4: ip.id, ipv6Enabled: true }],
      firewallIds: [firewall.id],
    });
    const requests = at.requests();
    const polls = requests.filter(([line]) => line.startsWith("GET /actions?"));
    expect(requests.filter((request) => !polls.includes(request))).toEqual([
      ["GET /server_types?name=cx23"],
      ["GET /images?architecture=x86&include_deprecated=true&name=debian-13"],
      [`GET /ssh_keys/${key.id}`],
      [
        "POST /servers",
        {
          name: "web",
          server_type: "cx23",
          image: expect.any(Number),
          ssh_keys: [Number(key.id)],
          location: "fsn1",
          user_data: "#cloud-config\n",
          labels: { stack: "dev" },
          firewalls: [{ firewall: Number(firewall.id) }],
          public_net: { enable_ipv4: true, enable_ipv6: true, ipv4: Number(ip.id) },
        },
      ],
      [`GET /servers/${server.id}`],
    ]);
    expect(polls.length).toBeGreaterThan(0);
    for (const [line] of polls) expect(line).toMatch(/^GET \/actions\?id=\d+&page=1&sort=status&sort=id$/);
    expect(server.outputs).toMatchObject({ status: "running", ipv4Address: ip.outputs.ipAddress });
  });

  test("is changed in place by what changed, and left off after a change of type", async () => {
    await using at = await stage();
    const made = await at.servers.create("web", { ...plain, labels: { a: "1" } });
    const path = `/servers/${made.id}`;
    at.requests();
    const renamed = await at.servers.update("web", made, { ...plain, name: "web2" });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`PUT ${path}`, { name: "web2" }],
      [`PUT ${path}`, { labels: {} }],
      [`GET ${path}`],
    ]);
    const bigger = await at.servers.update("web", renamed, { ...plain, name: "web2", serverType: "cx33" });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`POST ${path}/actions/poweroff`],
      [`POST ${path}/actions/change_type`, { server_type: "cx33", upgrade_disk: true }],
      [`GET ${path}`],
    ]);
    expect(bigger.outputs).toMatchObject({ serverType: "cx33", status: "off" });
    await at.servers.update("web", bigger, {
      ...plain,
      name: "web2",
      serverType: "cx33",
      backups: true,
      deleteProtection: true,
      rebuildProtection: true,
    });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`POST ${path}/actions/enable_backup`],
      [`POST ${path}/actions/change_protection`, { rebuild: true, delete: true }],
      [`GET ${path}`],
    ]);
  });

  test("changes its firewalls against what it has, not against the state", async () => {
    await using at = await stage();
    const [one, two] = [await at.firewalls.create("a", {}), await at.firewalls.create("b", {})];
    const made = await at.servers.create("web", { ...plain, firewallIds: [one.id] });
    at.requests();
    const targets = [{ type: "server", server: { id: Number(made.id) } }];
    await at.servers.update("web", made, { ...plain, firewallIds: [two.id] });
    expect(at.requests()).toEqual([
      [`GET /servers/${made.id}`],
      [`POST /firewalls/${one.id}/actions/remove_from_resources`, { remove_from: targets }],
      [`POST /firewalls/${two.id}/actions/apply_to_resources`, { apply_to: targets }],
      [`GET /servers/${made.id}`],
    ]);
  });

  test("is shut down before it is deleted where the program says so", async () => {
    await using at = await stage();
    const made = await at.servers.create("web", { ...plain, shutdownBeforeDeletion: true });
    at.requests();
    await at.servers.delete("web", made);
    const [first, ...rest] = at.requests();
    expect(first).toEqual([`POST /servers/${made.id}/actions/shutdown`]);
    expect(rest.at(-1)).toEqual([`DELETE /servers/${made.id}`]);
    expect(rest.slice(0, -1).every(([line]) => line === `GET /servers/${made.id}`)).toBe(true);
  });

  test("that is gone is looked for by name too before it is given up", async () => {
    await using at = await stage();
    const made = await at.servers.create("web", plain);
    await at.cloud.delete(`/servers/${made.id}`);
    await at.cloud.cloud.actions.settled();
    at.requests();
    expect((await at.servers.refresh("web", made)).id).toBe("");
    expect(at.requests()).toEqual([[`GET /servers/${made.id}`], [`GET /servers?name=${made.id}`]]);
  });
});
