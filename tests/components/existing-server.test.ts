import { describe, expect, test } from "vitest";
import {
  ExistingServer,
  type ExistingServerArgs,
  existingMachineId,
} from "../../components/existing-server.ts";
import { NixosHost } from "../../components/nixos-host.ts";
import { installDocument } from "../../deployer/install/document.ts";
import { access, planOf } from "./hosts.ts";
import { api, dependenciesOf, only, settled, underMocks } from "./mocks.ts";

const hostKey = `ssh-ed25519 ${Buffer.from("a machine's key").toString("base64")} root@machine`;
const otherKey = `ssh-ed25519 ${Buffer.from("another's").toString("base64")}`;
const args: ExistingServerArgs = { address: "198.51.100.7", hostKey };

describe("who an existing machine is", () => {
  test("is its first host key, whatever it is called and wherever it moves", async () => {
    const id = existingMachineId(hostKey);
    expect(id).toMatch(/^existing-[A-Za-z0-9_-]{43}$/);
    expect(existingMachineId(`${hostKey.split(" ").slice(0, 2).join(" ")} another comment`)).toBe(id);
    expect(existingMachineId(otherKey)).not.toBe(id);
    const { value } = await underMocks(() => [
      new ExistingServer("here", args),
      new ExistingServer("there", { ...args, address: "moved.example.org", port: 2222 }),
    ]);
    for (const machine of value) expect(await settled(machine.machineId)).toBe(id);
  });
});

describe("an ExistingServer", () => {
  test.each<[string, ExistingServerArgs, [string, string]]>([
    ["an IPv4 address", args, ["198.51.100.7", ""]],
    ["both", { ...args, ipv6: "2001:db8::7" }, ["198.51.100.7", "2001:db8::7"]],
    ["an IPv6 address", { ...args, address: "2001:db8::7" }, ["", "2001:db8::7"]],
    ["a name", { ...args, address: "machine.example.org" }, ["", ""]],
  ])("known by %s tells its addresses and orders nothing", async (_, given, addresses) => {
    const { seen, value } = await underMocks(() => new ExistingServer("web1-hardware", given));
    expect(seen.resources.map(({ custom }) => custom)).toEqual([false]);
    expect(await settled(value.address)).toBe(given.address);
    expect([await settled(value.ipv4Address), await settled(value.ipv6Address)]).toEqual(addresses);
    expect(value.server).toBeUndefined();
  });
});

describe("a NixosHost on an existing machine", () => {
  const make = (changes: object = {}) => {
    const existing = { address: "198.51.100.7", port: 2222, hostKey, ...changes };
    const plan = planOf({ hosts: { web1: { system: "web", existing } } });
    return underMocks(
      () =>
        new NixosHost("web1", {
          plan,
          access: access({ sshKeyId: undefined }),
          api,
        }),
    );
  };
  const documentOf = ({ seen }: Awaited<ReturnType<typeof make>>) =>
    installDocument.parse(
      JSON.parse((only(seen, "command:local:Command").inputs.stdin as { value: string }).value),
    );

  test("orders nothing, costs nothing and dies with nothing", async () => {
    const { seen, value } = await make();
    expect(seen.resources.filter(({ type }) => /hcloud:|ServerPower/.test(type))).toEqual([]);
    expect(seen.resources.filter(({ deletedWith }) => deletedWith !== "")).toEqual([]);
    expect(value.outputs.pricePerMonth).toBe(0);
    expect(await settled(value.outputs.privateAddress)).toBe("");
  });

  test("is told to be somebody's: by its own key, and wiped by the word alone", async () => {
    expect(documentOf(await make())).toMatchObject({
      target: { address: "198.51.100.7", port: 2222 },
      marker: { server: existingMachineId(hostKey) },
      ordered: false,
      disks: ["/dev/sda"],
      erase: [],
      bootstrapHostKey: hostKey,
    });
    expect(documentOf(await make({ erase: ["S62A"] })).erase).toEqual(["S62A"]);
  });

  test("that moved is the same: its installation stays, its deployment goes to the new address", async () => {
    const [before, after] = [await make(), await make({ address: "198.51.100.8" })];
    const triggers = [before, after].map(({ seen }) => only(seen, "command:local:Command").inputs.triggers);
    expect(triggers[1]).toEqual(triggers[0]);
    const deployment = only(after.seen, "berth:deploy:Deployment");
    expect(deployment.inputs).toMatchObject({ address: "198.51.100.8", port: 2222 });
    expect(dependenciesOf(deployment)).toContain("web1-installation-install");
  });

  test("with another host key is another machine, which is installed anew", async () => {
    const [before, after] = [await make(), await make({ hostKey: otherKey })];
    const triggers = [before, after].map(({ seen }) => only(seen, "command:local:Command").inputs.triggers);
    expect(triggers[1]).not.toEqual(triggers[0]);
  });
});
