import { describe, expect, test } from "vitest";
import { refusal, stage } from "../hcloud-engine.ts";

/** The requests, states and words the real plugin was seen to have for the same steps. */

const plain = { name: "web", serverType: "cx23", image: "debian-13", location: "fsn1" };
const data = { name: "data", size: 10, location: "fsn1" };

describe("a volume", () => {
  test("is ordered, grown, moved from server to server and let go before it is deleted", async () => {
    await using at = await stage();
    const volumes = await at.kind("Volume");
    const [a, b] = [
      await at.servers.create("a", { ...plain, name: "a" }),
      await at.servers.create("b", { ...plain, name: "b" }),
    ];
    at.requests();
    const made = await volumes.create("v", data);
    const path = `/volumes/${made.id}`;
    expect(at.requests()).toEqual([
      ["POST /volumes", { name: "data", size: 10, location: "fsn1" }],
      [`GET ${path}`],
    ]);
    expect(made.outputs).toMatchObject({
      linuxDevice: `/dev/disk/by-id/scsi-0HC_Volume_${made.id}`,
      serverId: null,
      labels: null,
    });
    const grown = await volumes.update("v", made, {
      ...data,
      size: 20,
      serverId: a.id,
      deleteProtection: true,
    });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`POST ${path}/actions/attach`, { server: Number(a.id) }],
      [`POST ${path}/actions/resize`, { size: 20 }],
      [`POST ${path}/actions/change_protection`, { delete: true }],
      [`GET ${path}`],
    ]);
    const moved = await volumes.update("v", grown, { ...data, size: 20, serverId: b.id });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`POST ${path}/actions/detach`],
      [`POST ${path}/actions/attach`, { server: Number(b.id) }],
      [`POST ${path}/actions/change_protection`, { delete: false }],
      [`GET ${path}`],
    ]);
    await volumes.delete("v", moved);
    expect(at.requests()).toEqual([[`GET ${path}`], [`POST ${path}/actions/detach`], [`DELETE ${path}`]]);
    await volumes.delete("v", moved);
    expect(at.requests()).toEqual([[`GET ${path}`]]);
  });

  test("is ordered again while its server is locked", async () => {
    await using at = await stage();
    const volumes = await at.kind("Volume");
    at.cloud.faults.add({ method: "POST", path: "/volumes", code: "locked", times: 3, delay: 0 });
    await volumes.create("v", data);
    expect(at.requests().filter(([line]) => line === "POST /volumes")).toHaveLength(4);
  });

  test("that is gone is not updated, and Pulumi is told to refresh", async () => {
    await using at = await stage();
    const volumes = await at.kind("Volume");
    const made = await volumes.create("v", data);
    await at.cloud.delete(`/volumes/${made.id}`);
    const refused = await refusal(volumes.update("v", made, { ...data, size: 20 }));
    expect(refused.message).toMatch(
      /^Resource provider reported that the resource did not exist while updating urn:/,
    );
    expect(refused.stored).toBeUndefined();
  });

  test("is attached by a resource beside it, which is known by its id and goes with the server", async () => {
    await using at = await stage();
    const volumes = await at.kind("Volume");
    const attachments = await at.kind("VolumeAttachment");
    const server = await at.servers.create("web", plain);
    const volume = await volumes.create("v", data);
    at.requests();
    const args = { volumeId: volume.id, serverId: server.id };
    at.cloud.faults.add({
      method: "POST",
      path: "/volumes/\\d+/actions/attach",
      code: "locked",
      times: 1,
      delay: 0,
    });
    const made = await attachments.create("at", args);
    const path = `/volumes/${volume.id}`;
    const attach = [`POST ${path}/actions/attach`, { server: Number(server.id) }];
    // The refusal comes before the body is read.
    expect(at.requests()).toEqual([[attach[0]], attach, [`GET ${path}`], [`GET /servers/${server.id}`]]);
    expect(made.id).toBe(volume.id);
    expect((await attachments.import("at", made.id)).inputs).toEqual({
      volumeId: Number(volume.id),
      serverId: Number(server.id),
    });
    expect((await refusal(attachments.update("at", made, { ...args, automount: true }))).message).toMatch(
      /\* doesn't support update\n/,
    );
    at.requests();
    await attachments.delete("at", made);
    expect(at.requests()).toEqual([[`GET ${path}`], [`POST ${path}/actions/detach`]]);
    expect((await attachments.refresh("at", made)).id).toBe("");
  });
});

describe("a floating IP", () => {
  test("is assigned and unassigned, and keeps its description when the program takes it away", async () => {
    await using at = await stage();
    const ips = await at.kind("FloatingIp");
    const server = await at.servers.create("web", plain);
    at.requests();
    const args = { name: "f", type: "ipv4", homeLocation: "fsn1" };
    const made = await ips.create("f", { ...args, description: "d" });
    const path = `/floating_ips/${made.id}`;
    expect(at.requests()).toEqual([
      ["POST /floating_ips", { type: "ipv4", home_location: "fsn1", description: "d", name: "f" }],
      [`GET ${path}`],
    ]);
    const assigned = await ips.update("f", made, { ...args, serverId: server.id });
    expect(at.requests()).toEqual([
      [`PUT ${path}`],
      [`POST ${path}/actions/assign`, { server: Number(server.id) }],
      [`GET ${path}`],
    ]);
    expect(assigned.outputs).toMatchObject({ description: "d", serverId: Number(server.id) });
    await ips.delete("f", assigned);
    expect(at.requests()).toEqual([[`GET ${path}`], [`POST ${path}/actions/unassign`], [`DELETE ${path}`]]);
  });

  test("moves to another server by a resource beside it", async () => {
    await using at = await stage();
    const ips = await at.kind("FloatingIp");
    const assignments = await at.kind("FloatingIpAssignment");
    const ip = await ips.create("f", { type: "ipv4", homeLocation: "fsn1" });
    const [a, b] = [
      await at.servers.create("a", { ...plain, name: "a" }),
      await at.servers.create("b", { ...plain, name: "b" }),
    ];
    const made = await assignments.create("as", { floatingIpId: ip.id, serverId: a.id });
    const moved = await assignments.update("as", made, { floatingIpId: ip.id, serverId: b.id });
    expect(moved.outputs).toMatchObject({ floatingIpId: Number(ip.id), serverId: Number(b.id) });
    await assignments.delete("as", moved);
    expect((await assignments.refresh("as", moved)).id).toBe("");
  });
});

describe("a firewall's attachment", () => {
  test("compares with what the firewall guards, and sends both lists, be they empty", async () => {
    await using at = await stage();
    const attachments = await at.kind("FirewallAttachment");
    const server = await at.servers.create("web", plain);
    const firewall = await at.firewalls.create("f", { name: "f" });
    at.requests();
    const path = `/firewalls/${firewall.id}`;
    const guard = { type: "server", server: { id: Number(server.id) } };
    const label = { type: "label_selector", label_selector: { selector: "a=b" } };
    const made = await attachments.create("at", { firewallId: firewall.id, serverIds: [server.id] });
    expect(at.requests()).toEqual([
      [`POST ${path}/actions/apply_to_resources`, { apply_to: [guard] }],
      [`GET ${path}`],
    ]);
    expect(made.outputs).toMatchObject({ serverIds: [Number(server.id)], labelSelectors: null });
    const both = await attachments.update("at", made, {
      firewallId: firewall.id,
      serverIds: [server.id],
      labelSelectors: ["a=b"],
    });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`POST ${path}/actions/remove_from_resources`, { remove_from: [] }],
      [`POST ${path}/actions/apply_to_resources`, { apply_to: [label] }],
      [`GET ${path}`],
    ]);
    await attachments.delete("at", both);
    expect(at.requests()).toEqual([
      [`POST ${path}/actions/remove_from_resources`, { remove_from: [guard, label] }],
    ]);
  });

  test("to nothing is refused, and an update that failed is taken for done until a refresh", async () => {
    await using at = await stage();
    const attachments = await at.kind("FirewallAttachment");
    const firewall = await at.firewalls.create("f", { name: "f" });
    const of = (selector: string) => ({ firewallId: firewall.id, labelSelectors: [selector] });
    expect((await refusal(attachments.create("no", { firewallId: firewall.id }))).message).toBe(
      "1 error occurred:\n\t* no resources referenced\n\n",
    );
    const made = await attachments.create("at", of("a=b"));
    at.cloud.faults.add({ method: "POST", path: "/firewalls/.*", code: "server_error", times: 1, delay: 0 });
    const refused = await refusal(attachments.update("at", made, of("a=c")));
    const stored = { ...made, outputs: refused.stored?.outputs ?? {} };
    expect((await attachments.diff("at", stored, of("a=c"))).changes).toBe(false);
    const seen = await attachments.refresh("at", stored);
    expect((await attachments.diff("at", seen, of("a=c"))).changes).toBe(true);
  });
});
