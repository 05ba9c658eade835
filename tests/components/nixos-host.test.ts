import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import type { Hardware } from "../../components/hardware.ts";
import { NixosHost, type NixosHostArgs } from "../../components/nixos-host.ts";
import { PrivateNetwork } from "../../components/private-network.ts";
import type { HostPlan } from "../../config/plan.ts";
import { type Raw, webManifest, withHost } from "../unit/config/samples.ts";
import { access, planOf, settingsOf } from "./hosts.ts";
import {
  ageKeyOf,
  api,
  dependenciesOf,
  expectFamily,
  type MockOptions,
  only,
  placesOf,
  privateKeyOf,
  publicKeyOf,
  type Seen,
  secret,
  settled,
  underMocks,
  unknown,
} from "./mocks.ts";

const settings = (changes: Raw = {}) => settingsOf(withHost(changes));
const plan = (changes: Partial<HostPlan> = {}): HostPlan => ({
  ...planOf(withHost()),
  price: [
    { what: "server cx23", monthly: 5.49 },
    { what: "IPv4", monthly: 0.5 },
    { what: "volume data 20 GB", monthly: null },
  ],
  ...changes,
});
const args = (changes: Partial<HostPlan> = {}): NixosHostArgs => ({
  plan: plan(changes),
  access: access({
    otherKeyIds: { "aa:bb": "78", "cc:dd": pulumi.output("79") },
    from: ["203.0.113.0/24"],
  }),
  api,
});
const make = (changes: Partial<HostPlan> = {}, options?: MockOptions, others: Partial<NixosHostArgs> = {}) =>
  underMocks(() => new NixosHost("web1", { ...args(changes), ...others }), options);

const server = "hcloud:index/server:Server";
const firewall = "hcloud:index/firewall:Firewall";
const attachment = "hcloud:index/firewallAttachment:FirewallAttachment";
const command = "command:local:Command";
const deployment = "berth:deploy:Deployment";
const documentOf = (seen: Seen) => JSON.parse((only(seen, command).inputs.stdin as { value: string }).value);

describe("a NixosHost", () => {
  test("is identity, hardware, installation, deployment and what closes ports after it, all named after it", async () => {
    const { seen } = await make();
    expectFamily(seen, "web1");
    expect(seen.resources.map(({ type, name }) => `${name}: ${type}`).toSorted()).toEqual([
      "web1-closing-attachment: hcloud:index/firewallAttachment:FirewallAttachment",
      "web1-closing-firewall: hcloud:index/firewall:Firewall",
      "web1-closing: berth:hetzner:Firewall",
      "web1-deployment: berth:deploy:Deployment",
      "web1-hardware-ipv4: hcloud:index/primaryIp:PrimaryIp",
      "web1-hardware-ipv6: hcloud:index/primaryIp:PrimaryIp",
      "web1-hardware-open-attachment: hcloud:index/firewallAttachment:FirewallAttachment",
      "web1-hardware-open-firewall: hcloud:index/firewall:Firewall",
      "web1-hardware-open: berth:hetzner:Firewall",
      "web1-hardware-power: berth:hetzner:ServerPower",
      "web1-hardware-server: hcloud:index/server:Server",
      "web1-hardware-ssh-attachment: hcloud:index/firewallAttachment:FirewallAttachment",
      "web1-hardware-ssh-firewall: hcloud:index/firewall:Firewall",
      "web1-hardware-ssh: berth:hetzner:Firewall",
      "web1-hardware: berth:hetzner:Server",
      "web1-host-key: berth:host:HostKey",
      "web1-identity-age: berth:identity:AgeKey",
      "web1-identity-bootstrap: berth:identity:SshKey",
      "web1-identity-lasting: berth:identity:SshKey",
      "web1-identity: berth:identity:HostIdentity",
      "web1-installation-install: command:local:Command",
      "web1-installation: berth:install:Installation",
      "web1: berth:index:NixosHost",
    ]);
  });

  test("names what it orders after stack and host, and labels it so", async () => {
    const { seen } = await make({ settings: settings({ volumes: { data: 20 } }) }, { stack: "prod" });
    const labels = { "berth-stack": "prod", "berth-host": "web1" };
    expect(only(seen, server).inputs).toMatchObject({ name: "prod-web1", labels });
    const named = seen.resources.filter(({ type, inputs }) => type.startsWith("hcloud:") && "name" in inputs);
    expect(named.map(({ inputs }) => inputs.name).toSorted()).toEqual(
      ["", "-closing", "-data", "-ipv4-fsn1", "-ipv6-fsn1", "-open", "-ssh"].map((end) => `prod-web1${end}`),
    );
    for (const { inputs } of named) expect(inputs.labels).toEqual(labels);
  });

  test("gives the server its own labels, which cannot take the stack's away", async () => {
    const labels = { team: "blue", "berth-stack": "other" };
    const { seen } = await make({
      settings: settings({ server: { type: "cx23", location: "fsn1", labels } }),
    });
    expect(only(seen, server).inputs.labels).toEqual({
      team: "blue",
      "berth-stack": "dev",
      "berth-host": "web1",
    });
  });

  test("orders the server as it is configured", async () => {
    const config = {
      type: "cax11",
      location: "hel1",
      image: "ubuntu-24.04",
      backups: true,
      placement: "web",
    };
    const { seen } = await make(
      { settings: settings({ server: config }), loginKeys: ["cc:dd", "aa:bb", "no:id"] },
      {},
      { placementGroupIds: { web: "12" } },
    );
    expect(only(seen, server).inputs).toMatchObject({
      serverType: "cax11",
      location: "hel1",
      image: "ubuntu-24.04",
      backups: true,
      placementGroupId: 12,
      sshKeys: ["77", "79", "78"],
    });
  });

  test("opens the manifest's ports and the configuration's before the release and closes others after it", async () => {
    const { seen } = await make({
      settings: settings({ firewall: [{ protocol: "tcp", port: "9000" }] }),
    });
    const portsOf = (name: string) =>
      (only(seen, firewall, name).inputs.rules as { port?: string; sourceIps: string[] }[]).map(
        ({ port, sourceIps }) => `${port} ${sourceIps[0]}`,
      );
    expect(portsOf("web1-hardware-ssh-firewall")).toEqual(["22 203.0.113.0/24", "undefined 0.0.0.0/0"]);
    const release = ["undefined", "80", "443", "443", "9000"].map((port) => `${port} 0.0.0.0/0`);
    expect(portsOf("web1-hardware-open-firewall")).toEqual(release);
    expect(portsOf("web1-closing-firewall")).toEqual(release);
    const before = dependenciesOf(only(seen, deployment));
    expect(before).toContain("web1-hardware-open-firewall");
    expect(before).toContain("web1-hardware-open-attachment");
    expect(before).toContain("web1-hardware-ssh-attachment");
    expect(dependenciesOf(only(seen, firewall, "web1-closing-firewall"))).toContain("web1-deployment");
    expect(dependenciesOf(only(seen, attachment, "web1-closing-attachment"))).toContain("web1-deployment");
  });

  test("makes the one firewall of older stacks the one that closes, and gives nothing else another name", async () => {
    const { seen } = await make();
    expect(only(seen, firewall, "web1-closing-firewall").aliases).toEqual([
      `${only(seen, "berth:hetzner:Server").urn} web1-hardware-firewall`,
    ]);
    const others = seen.resources.filter(({ name }) => name !== "web1-closing-firewall");
    expect(others.flatMap(({ aliases }) => aliases)).toEqual([]);
  });

  test("lets go with its server of what dies with it, so that nobody asks a host that is gone, and of no more", async () => {
    const { seen } = await make({ settings: settings({ volumes: { data: 20 } }) }, {}, { protect: false });
    const dying = seen.resources.filter(({ deletedWith }) => deletedWith !== "");
    expect(new Set(dying.map(({ deletedWith }) => deletedWith))).toEqual(new Set([only(seen, server).urn]));
    expect(dying.map(({ name }) => name).toSorted()).toEqual([
      "web1-hardware-power",
      "web1-host-key",
      "web1-installation-install",
      "web1-volume-data-attachment",
    ]);
  });

  test("boots with the bootstrap key and is installed with the lasting one", async () => {
    const { seen } = await make();
    const { value: userData } = only(seen, server).inputs.userData as { value: string };
    expect(userData).toContain("key of web1-identity-bootstrap");
    const document = documentOf(seen);
    expect(document.bootstrapHostKey).toBe(publicKeyOf("web1-identity-bootstrap", "bootstrap web1"));
    expect(document.lastingHostKey).toEqual({
      publicKey: publicKeyOf("web1-identity-lasting", "web1"),
      privateKey: privateKeyOf("web1-identity-lasting"),
    });
    expect(document.ageKey).toBe(ageKeyOf("web1-identity-age"));
    expect(only(seen, deployment).inputs.hostKey).toBe(publicKeyOf("web1-identity-lasting", "web1"));
  });

  test("shows its lasting key before anything is deployed, by which everything after it is verified", async () => {
    const { seen, value } = await make();
    const key = only(seen, "berth:host:HostKey");
    expect(key.inputs).toMatchObject({
      stack: "dev",
      host: "web1",
      port: 22,
      machineId: await settled<string>(value.hardware.machineId),
      publicKey: publicKeyOf("web1-identity-lasting", "web1"),
      privateKey: secret(privateKeyOf("web1-identity-lasting")),
      former: [],
    });
    expect(key.secretOutputs.toSorted()).toEqual(["loginKey", "privateKey"]);
    expect(dependenciesOf(key)).toContain("web1-installation-install");
    expect(dependenciesOf(only(seen, deployment))).toContain("web1-host-key");
    expect(only(seen, deployment).inputs.hostKey).toBe(key.inputs.publicKey);
    expect(await settled(value.outputs.hostKey)).toBe(key.inputs.publicKey);
  });

  test("is given another lasting key by the word, and no other key changes", async () => {
    const { seen } = await make({ settings: settings({ identity: { rotate: "2026-11" } }) });
    const keys = seen.resources.filter(({ type }) => type === "berth:identity:SshKey");
    expect(keys.map(({ name, inputs }) => [name, inputs.generation])).toEqual([
      ["web1-identity-bootstrap", undefined],
      ["web1-identity-lasting", "2026-11"],
    ]);
  });

  test("is installed on the server that was ordered, and by its id alone", async () => {
    const { seen, value } = await make();
    const id = await settled<string>(value.hardware.machineId);
    expect(only(seen, command).inputs.triggers).toEqual([id, ""]);
    expect(documentOf(seen).marker).toEqual({ stack: "dev", host: "web1", server: id });
    expect(documentOf(seen).target.address).toBe("203.0.113.7");
  });

  test("is deployed to when it is installed, not when it is ordered", async () => {
    const { seen, value } = await make();
    const wanted = only(seen, deployment);
    expect(wanted.dependencies).toContain(only(seen, command).urn);
    expect(wanted.inputs.machineId).toBe(await settled<string>(value.hardware.machineId));
  });

  test("is installed and deployed to once its server is seen to run", async () => {
    const { seen } = await make();
    expect(dependenciesOf(only(seen, command))).toContain("web1-hardware-power");
    expect(dependenciesOf(only(seen, deployment))).toContain("web1-hardware-power");
  });

  test("leaves and joins its network while its server is neither switched off nor on, which locks it", async () => {
    const { seen } = await underMocks(() => {
      const network = new PrivateNetwork("network", {
        networkName: "dev",
        range: "10.0.0.0/16",
        zone: "eu-central",
      });
      return new NixosHost("web1", { ...args(), network });
    });
    expect(dependenciesOf(only(seen, server))).toEqual(
      expect.arrayContaining(["network-network", "network-subnet"]),
    );
    const joined = only(seen, "hcloud:index/serverNetwork:ServerNetwork");
    expect(dependenciesOf(joined)).toContain("web1-hardware-power");
    expect(dependenciesOf(only(seen, command))).toContain(joined.name);
  });

  test("is checked by the manifest's checks and by the configuration's", async () => {
    const more = { https: "https://www.example.org/", status: 200, body: "ok" };
    const { seen } = await make({ settings: settings({ health: [more], healthDeadline: 7 }) });
    expect(only(seen, deployment).inputs).toMatchObject({
      health: [...webManifest.health, more],
      healthDeadline: 7,
      toplevel: webManifest.toplevel.out,
      drvPath: webManifest.toplevel.drvPath,
      system: "x86_64-linux",
      loginKey: secret(privateKeyOf("login")),
    });
  });

  test("a changed app changes the deployment alone, but for what the installation ignores", async () => {
    const before = await make();
    const toplevel = { drvPath: `/nix/store/${"h".repeat(32)}-n.drv`, out: `/nix/store/${"i".repeat(32)}-n` };
    const after = await make({ manifest: { ...webManifest, toplevel } });
    const changed = after.seen.resources.flatMap((one) => {
      const was = only(before.seen, one.type, one.name);
      return Object.keys(one.inputs)
        .filter((key) => JSON.stringify(one.inputs[key]) !== JSON.stringify(was.inputs[key]))
        .filter((key) => !one.ignoreChanges.includes(key))
        .map((key) => `${one.name}: ${key}`);
    });
    expect(changed.toSorted()).toEqual(["web1-deployment: drvPath", "web1-deployment: toplevel"]);
  });

  test("has its private keys and the API's token nowhere but in secrets", async () => {
    const { seen } = await make();
    expect(placesOf("PRIVATE KEY", seen)).toEqual([]);
    expect(placesOf("key of", seen)).toEqual([]);
    expect(placesOf(api.token, seen)).toEqual([]);
    // What is searched for is there, inside of secrets.
    expect(JSON.stringify(seen.resources)).toContain("key of web1-identity-lasting");
    expect(JSON.stringify(seen.resources)).toContain(api.token);
  });

  test.each<[Pick<NixosHostArgs, "protect">, string[]]>([
    [{}, ["web1-hardware-ipv4", "web1-hardware-ipv6", "web1-hardware-server", "web1-installation-install"]],
    [{ protect: false }, []],
  ])("given %o protects %j", async (changes, names) => {
    const { seen } = await make({}, {}, changes);
    const found = seen.resources.filter(({ protect }) => protect === true).map(({ name }) => name);
    expect(found.toSorted()).toEqual(names);
  });

  test("keeps nothing when it is deleted but what ends with its server or firewall", async () => {
    const { seen } = await make({ settings: settings({ volumes: { data: 20 } }) });
    const kept = seen.resources.filter(({ retainOnDelete }) => retainOnDelete);
    expect(new Set(kept.map(({ type }) => type))).toEqual(new Set([attachment]));
  });
});

describe("what a NixosHost tells", () => {
  test.each<[string, Raw, Partial<typeof webManifest>, string]>([
    [
      "its domain over https when port 443 is open",
      { domain: "www.example.org" },
      {},
      "https://www.example.org/",
    ],
    [
      "its domain over http when it is not",
      { domain: "www.example.org" },
      { ports: { tcp: [80], udp: [] } },
      "http://www.example.org/",
    ],
    ["its address when it has no domain", {}, { ports: { tcp: [80], udp: [] } }, "http://203.0.113.7/"],
    [
      "its IPv6 address in brackets when it has no other",
      { server: { type: "cx23", location: "fsn1", ipv4: false } },
      { ports: { tcp: [80], udp: [] } },
      "http://[2001:db8::1]/",
    ],
  ])("is a URL: %s", async (_, config, manifest, url) => {
    const { value } = await make({ settings: settings(config), manifest: { ...webManifest, ...manifest } });
    expect(await settled(value.outputs.url)).toBe(url);
  });

  test("is where it is, what runs, and who it is", async () => {
    const { value } = await make();
    const { address, ipv6Address, release, hostKey } = value.outputs;
    expect(await Promise.all([address, ipv6Address, release, hostKey].map((one) => settled(one)))).toEqual([
      "203.0.113.7",
      "2001:db8::1",
      webManifest.toplevel.out,
      publicKeyOf("web1-identity-lasting", "web1"),
    ]);
  });

  test("tells the sum of its planned prices, what has none left out", async () => {
    const { value } = await make();
    expect(value.outputs.pricePerMonth).toBe(5.99);
  });

  test("survives a deployment that failed, which says so in place of its release", async () => {
    const { value } = await underMocks(() => new NixosHost("web1", args()), { failing: deployment });
    expect(await settled(value.outputs.release)).toBe("not deployed by the last update");
    expect(await settled(value.outputs.address)).toBe("203.0.113.7");
  });
});

describe("a NixosHost's preview", () => {
  test("knows what shall run and not where", async () => {
    const { seen, value } = await make({}, { preview: true });
    expect(only(seen, deployment).inputs).toMatchObject({
      address: unknown,
      hostKey: unknown,
      machineId: unknown,
      toplevel: webManifest.toplevel.out,
      drvPath: webManifest.toplevel.drvPath,
    });
    expect(await settled(value.outputs.release)).toBe(webManifest.toplevel.out);
    expect(only(seen, command).inputs.triggers).toEqual([unknown, ""]);
    expect(only(seen, server).inputs).toMatchObject({
      serverType: "cx23",
      location: "fsn1",
      userData: unknown,
    });
    const hardware: Hardware = value.hardware;
    expect(await (hardware.address as unknown as { isKnown: Promise<boolean> }).isKnown).toBe(false);
  });

  test("asks for the same resources as the update", async () => {
    const names = async (preview: boolean) =>
      (await make({}, { preview })).seen.resources.map(({ name }) => name).toSorted();
    expect(await names(true)).toEqual(await names(false));
  });
});
