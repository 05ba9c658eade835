import { describe, expect, test } from "vitest";
import { firewallRules, HetznerServer, type HetznerServerArgs } from "../../components/hetzner-server.ts";
import { numericId, parseId } from "../../components/ids.ts";
import { expectFamily, type MockOptions, only, settled, underMocks, unknown } from "./mocks.ts";

const args: HetznerServerArgs = {
  serverName: "dev-web1",
  serverType: "cx23",
  location: "fsn1",
  image: "debian-13",
  userData: "#cloud-config\n",
  sshKeyId: "77",
  ports: { tcp: [443, 80], udp: [443] },
  sshFrom: ["203.0.113.0/24"],
  labels: { "berth-stack": "dev" },
};
const make = (changes: Partial<HetznerServerArgs> = {}, options?: MockOptions) =>
  underMocks(() => new HetznerServer("web1-hardware", { ...args, ...changes }), options);

const everywhere = ["0.0.0.0/0", "::/0"];
const ssh = (sourceIps: string[]) => ({
  direction: "in",
  protocol: "tcp",
  port: "22",
  sourceIps,
  description: "ssh",
});
const ping = { direction: "in", protocol: "icmp", sourceIps: everywhere, description: "ping" };
const open = (protocol: string, port: string) => ({
  direction: "in",
  protocol,
  port,
  sourceIps: everywhere,
  description: "manifest",
});

const firewall = "hcloud:index/firewall:Firewall";
const primaryIp = "hcloud:index/primaryIp:PrimaryIp";
const server = "hcloud:index/server:Server";

describe("a server's firewall", () => {
  test.each<[string, Parameters<typeof firewallRules>, unknown[]]>([
    [
      "opens the manifest's ports to all and ssh to those who may",
      [{ tcp: [443, 80], udp: [443] }, ["203.0.113.0/24", "2001:db8::/32"]],
      [
        ssh(["203.0.113.0/24", "2001:db8::/32"]),
        ping,
        open("tcp", "80"),
        open("tcp", "443"),
        open("udp", "443"),
      ],
    ],
    ["opens ssh to all when nobody is named", [{ tcp: [], udp: [] }, []], [ssh(everywhere), ping]],
    [
      "does not open ssh to all because the manifest lists port 22",
      [{ tcp: [22, 80], udp: [] }, ["203.0.113.0/24"]],
      [ssh(["203.0.113.0/24"]), ping, open("tcp", "80")],
    ],
    [
      "opens port 22 for UDP, which is not ssh",
      [{ tcp: [], udp: [22] }, ["203.0.113.0/24"]],
      [ssh(["203.0.113.0/24"]), ping, open("udp", "22")],
    ],
    [
      "opens a port once, in the order of numbers, however the manifest lists them",
      [{ tcp: [8080, 80, 8080, 443], udp: [] }, []],
      [ssh(everywhere), ping, open("tcp", "80"), open("tcp", "443"), open("tcp", "8080")],
    ],
  ])("%s", (_, given, rules) => {
    expect(firewallRules(...given)).toEqual(rules);
  });
});

describe("a HetznerServer", () => {
  test("is two addresses, a firewall and a server, named after it", async () => {
    const { seen } = await make();
    expect(seen.resources.map(({ type, name }) => [type, name]).toSorted()).toEqual([
      ["berth:hetzner:Server", "web1-hardware"],
      [firewall, "web1-hardware-firewall"],
      [primaryIp, "web1-hardware-ipv4"],
      [primaryIp, "web1-hardware-ipv6"],
      [server, "web1-hardware-server"],
    ]);
    expectFamily(seen, "web1-hardware");
  });

  test("gives its server what Hetzner takes: ids as numbers", async () => {
    const { seen, value } = await make();
    const id = async (resource: { id: Parameters<typeof settled<string>>[0] }) =>
      Number(await settled(resource.id));
    expect(only(seen, server).inputs).toEqual({
      name: "dev-web1",
      serverType: "cx23",
      location: "fsn1",
      image: "debian-13",
      userData: "#cloud-config\n",
      sshKeys: ["77"],
      firewallIds: [await id(value.nodes.firewall)],
      publicNets: [
        {
          ipv4Enabled: true,
          ipv4: await id(value.nodes.ipv4),
          ipv6Enabled: true,
          ipv6: await id(value.nodes.ipv6),
        },
      ],
      keepDisk: true,
      labels: { "berth-stack": "dev" },
    });
  });

  test("gives its firewall the rules of its ports, and no other", async () => {
    const { seen } = await make();
    expect(only(seen, firewall).inputs).toEqual({
      name: "dev-web1",
      labels: { "berth-stack": "dev" },
      rules: [ssh(["203.0.113.0/24"]), ping, open("tcp", "80"), open("tcp", "443"), open("udp", "443")],
    });
  });

  test("orders addresses that outlive the server", async () => {
    const { seen } = await make();
    for (const type of ["ipv4", "ipv6"]) {
      expect(only(seen, primaryIp, `web1-hardware-${type}`).inputs).toEqual({
        name: `dev-web1-${type}`,
        type,
        location: "fsn1",
        autoDelete: false,
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
    expect(protectedOnes.toSorted()).toEqual(
      expected ? ["web1-hardware-ipv4", "web1-hardware-ipv6", "web1-hardware-server"] : [],
    );
  });

  test("does not replace its server for what only the first boot used, and nothing else is ignored", async () => {
    const { seen } = await make();
    expect(only(seen, server).ignoreChanges.toSorted()).toEqual(["image", "sshKeys", "userData"]);
    for (const { type, ignoreChanges } of seen.resources)
      if (type !== server) expect(ignoreChanges).toEqual([]);
  });

  test("replaces what has a name of its own by deleting it first, as the name is taken till then", async () => {
    const { seen } = await make();
    for (const { custom, inputs, deleteBeforeReplace, name } of seen.resources) {
      if (custom) expect([name, "name" in inputs, deleteBeforeReplace]).toEqual([name, true, true]);
    }
  });

  test("tells the server's own view of addresses and id", async () => {
    const { value } = await make();
    expect(await settled(value.address)).toBe("203.0.113.7");
    expect(await settled(value.ipv6Address)).toBe("2001:db8::1");
    expect(await settled(value.machineId)).toBe(await settled(value.nodes.server.id));
  });

  test("depends on addresses and firewall: they are there before the server is", async () => {
    const { seen } = await make();
    expect(
      only(seen, server)
        .dependencies.map((urn) => urn.split("::").at(-1))
        .toSorted(),
    ).toEqual(["web1-hardware-firewall", "web1-hardware-ipv4", "web1-hardware-ipv6"]);
  });

  test("is previewed with ids that nobody knows yet", async () => {
    const { seen } = await make({}, { preview: true });
    const { inputs } = only(seen, server);
    expect(inputs.firewallIds).toEqual([unknown]);
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
