import { describe, expect, test } from "vitest";
import { firewallRules } from "../../components/firewall-rules.ts";
import { HetznerServer, type HetznerServerArgs } from "../../components/hetzner-server.ts";
import { numericId, parseId } from "../../components/ids.ts";
import {
  api,
  dependenciesOf,
  expectFamily,
  type MockOptions,
  only,
  secret,
  settled,
  underMocks,
  unknown,
} from "./mocks.ts";

const rules = firewallRules({
  ports: { tcp: [443, 80], udp: [443] },
  extra: [],
  sshFrom: ["203.0.113.0/24"],
});
const args: HetznerServerArgs = {
  serverName: "dev-web1",
  serverType: "cx23",
  location: "fsn1",
  image: "debian-13",
  userData: "#cloud-config\n",
  hostKey: "ssh-ed25519 AAAAbootstrap",
  sshKeyIds: ["77", "78"],
  rules,
  api,
  labels: { "berth-stack": "dev" },
};
const make = (changes: Partial<HetznerServerArgs> = {}, options?: MockOptions) =>
  underMocks(() => new HetznerServer("web1-hardware", { ...args, ...changes }), options);

const firewall = "hcloud:index/firewall:Firewall";
const primaryIp = "hcloud:index/primaryIp:PrimaryIp";
const server = "hcloud:index/server:Server";
const attachment = "hcloud:index/firewallAttachment:FirewallAttachment";

const idOf = async (resource: { id: Parameters<typeof settled<string>>[0] } | undefined) =>
  Number(resource && (await settled(resource.id)));

describe("a HetznerServer", () => {
  test("is two addresses, two firewalls and a server, named after it", async () => {
    const { seen } = await make();
    expect(seen.resources.map(({ type, name }) => `${name}: ${type}`).toSorted()).toEqual(
      [
        "web1-hardware: berth:hetzner:Server",
        `web1-hardware-ipv4: ${primaryIp}`,
        `web1-hardware-ipv6: ${primaryIp}`,
        "web1-hardware-open: berth:hetzner:Firewall",
        `web1-hardware-open-attachment: ${attachment}`,
        `web1-hardware-open-firewall: ${firewall}`,
        "web1-hardware-power: berth:hetzner:ServerPower",
        `web1-hardware-server: ${server}`,
        "web1-hardware-ssh: berth:hetzner:Firewall",
        `web1-hardware-ssh-attachment: ${attachment}`,
        `web1-hardware-ssh-firewall: ${firewall}`,
      ].toSorted(),
    );
    expectFamily(seen, "web1-hardware");
  });

  test("keeps the names that running stacks know it by", async () => {
    const { seen } = await make();
    for (const name of ["web1-hardware-ipv4", "web1-hardware-ipv6", "web1-hardware-server"])
      expect(seen.resources.find((one) => one.name === name)?.urn).toContain(
        "::berth:hetzner:Server$hcloud:",
      );
  });

  test("gives its server what Hetzner takes: ids as numbers", async () => {
    const { seen, value } = await make({ placementGroupId: "99", backups: true });
    expect(only(seen, server).inputs).toEqual({
      name: "dev-web1",
      serverType: "cx23",
      location: "fsn1",
      image: "debian-13",
      userData: "#cloud-config\n",
      sshKeys: ["77", "78"],
      firewallIds: [await settled(value.nodes.ssh.firewallId), await settled(value.nodes.open.firewallId)],
      publicNets: [
        {
          ipv4Enabled: true,
          ipv4: await idOf(value.nodes.ipv4),
          ipv6Enabled: true,
          ipv6: await idOf(value.nodes.ipv6),
        },
      ],
      placementGroupId: 99,
      backups: true,
      deleteProtection: true,
      rebuildProtection: true,
      keepDisk: true,
      labels: { "berth-stack": "dev" },
    });
  });

  test.each<["ipv4" | "ipv6", object, string]>([
    ["ipv4", { ipv4Enabled: false, ipv6Enabled: true, ipv6: expect.any(Number) }, "2001:db8::1"],
    ["ipv6", { ipv4Enabled: true, ipv4: expect.any(Number), ipv6Enabled: false }, "203.0.113.7"],
  ])("without %s orders no such address and is reached by the other", async (without, nets, address) => {
    const { seen, value } = await make({ [without]: false });
    expect(only(seen, server).inputs.publicNets).toEqual([nets]);
    expect(only(seen, primaryIp).name).not.toContain(without);
    expect(value.nodes[without]).toBeUndefined();
    expect(await settled(value.address)).toBe(address);
    expect(await settled(without === "ipv4" ? value.ipv4Address : value.ipv6Address)).toBe("");
  });

  test("without any address is none", async () => {
    await expect(make({ ipv4: false, ipv6: false })).rejects.toThrow("neither IPv4 nor IPv6");
  });

  test("has ssh in one firewall and the release's ports in another, both from the order on", async () => {
    const { seen } = await make();
    expect(only(seen, firewall, "web1-hardware-ssh-firewall").inputs).toEqual({
      name: "dev-web1-ssh",
      labels: { "berth-stack": "dev" },
      rules: rules.ssh,
    });
    expect(only(seen, firewall, "web1-hardware-open-firewall").inputs).toEqual({
      name: "dev-web1-open",
      labels: { "berth-stack": "dev" },
      rules: rules.release,
    });
    expect(dependenciesOf(only(seen, server))).toEqual([
      "web1-hardware-ipv4",
      "web1-hardware-ipv6",
      "web1-hardware-open-firewall",
      "web1-hardware-ssh-firewall",
    ]);
  });

  test("attaches its firewalls to servers that were ordered without them; another server is another attachment", async () => {
    const { seen, value } = await make();
    for (const which of ["ssh", "open"] as const) {
      const made = only(seen, attachment, `web1-hardware-${which}-attachment`);
      expect(made.inputs).toEqual({
        firewallId: await settled(value.nodes[which].firewallId),
        serverIds: [await idOf(value.nodes.server)],
      });
      expect(made.retainOnDelete).toBe(true);
      expect(made.replaceOnChanges).toEqual(["serverIds"]);
      expect(made.deleteBeforeReplace).toBe(true);
    }
  });

  test("is seen to run after its order and after whatever switches it off, with the token as a secret", async () => {
    const { seen, value } = await make();
    const power = only(seen, "berth:hetzner:ServerPower");
    expect(power.inputs).toEqual({
      host: "dev-web1",
      serverId: await settled(value.machineId),
      after: { serverType: "cx23", ipv4: true, ipv6: true, placementGroupId: "" },
      token: secret(api.token),
      endpoint: api.endpoint,
    });
    expect(power.dependencies).toContain(only(seen, server).urn);
    expect(power.deletedWith).toBe(only(seen, server).urn);
  });

  test.each<[string, Partial<HetznerServerArgs>, object]>([
    ["type", { serverType: "cx33" }, { serverType: "cx33" }],
    ["IPv4 address", { ipv4: false }, { ipv4: false }],
    ["IPv6 network", { ipv6: false }, { ipv6: false }],
    ["placement group", { placementGroupId: "99" }, { placementGroupId: "99" }],
  ])("is looked at again after a change of its %s", async (_, changes, after) => {
    const { seen } = await make(changes);
    expect(only(seen, "berth:hetzner:ServerPower").inputs.after).toMatchObject(after);
  });

  test("orders addresses that outlive the server", async () => {
    const { seen } = await make();
    for (const type of ["ipv4", "ipv6"]) {
      expect(only(seen, primaryIp, `web1-hardware-${type}`).inputs).toEqual({
        name: `dev-web1-${type}-fsn1`,
        type,
        location: "fsn1",
        autoDelete: false,
        deleteProtection: true,
        labels: { "berth-stack": "dev" },
      });
    }
  });

  test.each<[string, Partial<HetznerServerArgs>, boolean]>([
    ["by default", {}, true],
    ["when asked to", { protect: true }, true],
    ["not when asked not to", { protect: false }, false],
  ])("protects server and addresses %s", async (_, changes, expected) => {
    const { seen } = await make(changes);
    const protectedOnes = seen.resources.filter(({ protect }) => protect === true).map(({ name }) => name);
    const names = ["web1-hardware-ipv4", "web1-hardware-ipv6", "web1-hardware-server"];
    expect(protectedOnes.toSorted()).toEqual(expected ? names : []);
    for (const name of names) {
      const one = seen.resources.find((resource) => resource.name === name);
      expect(one?.inputs.deleteProtection).toBe(expected);
    }
    // Hetzner refuses one without the other.
    expect(only(seen, server).inputs.rebuildProtection).toBe(expected);
  });

  test("does not replace its server for what only its order used, and nothing else is ignored", async () => {
    const { seen } = await make();
    expect(only(seen, server).ignoreChanges.toSorted()).toEqual([
      "firewallIds",
      "image",
      "sshKeys",
      "userData",
    ]);
    for (const { type, ignoreChanges } of seen.resources)
      if (type !== server) expect(ignoreChanges).toEqual([]);
  });

  test("replaces what has a name of its own by deleting it first, as the name is taken till then", async () => {
    const { seen } = await make();
    for (const { custom, inputs, deleteBeforeReplace, name, type } of seen.resources) {
      if (custom && "name" in inputs && type !== primaryIp)
        expect([name, deleteBeforeReplace]).toEqual([name, true]);
    }
  });

  test("keeps addresses until the server that has them is gone: in another location they have other names", async () => {
    const here = await make();
    const there = await make({ location: "nbg1" });
    for (const name of ["web1-hardware-ipv4", "web1-hardware-ipv6"]) {
      expect(only(here.seen, primaryIp, name).deleteBeforeReplace).toBe(false);
      expect(only(there.seen, primaryIp, name).inputs.name).not.toBe(
        only(here.seen, primaryIp, name).inputs.name,
      );
    }
  });

  test("tells the server's own view of addresses and id", async () => {
    const { value } = await make();
    expect(await settled(value.address)).toBe("203.0.113.7");
    expect(await settled(value.ipv4Address)).toBe("203.0.113.7");
    expect(await settled(value.ipv6Address)).toBe("2001:db8::1");
    expect(await settled(value.ipv6Network)).toBe("2001:db8::/64");
    expect(await settled(value.machineId)).toBe(await settled(value.nodes.server.id));
  });

  test("is previewed with ids that nobody knows yet", async () => {
    const { seen } = await make({}, { preview: true });
    const { inputs } = only(seen, server);
    expect(inputs.firewallIds).toEqual([unknown, unknown]);
    expect(inputs.publicNets).toEqual([
      { ipv4Enabled: true, ipv4: unknown, ipv6Enabled: true, ipv6: unknown },
    ]);
    expect(inputs.serverType).toBe("cx23");
  });
});

describe("a numeric id", () => {
  test.each(["1", "4711", "9007199254740991"])("is taken from %s", async (text) => {
    expect(parseId(text)).toBe(Number(text));
    const { value } = await underMocks(() => numericId(text));
    expect(await settled(value)).toBe(Number(text));
  });

  test.each(["", "0", "-1", "1.5", "web1", "9007199254740993"])("is not taken from %j", (text) => {
    expect(() => parseId(text)).toThrow(`"${text}" is not the id of a Hetzner resource`);
  });
});
