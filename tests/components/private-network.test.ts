import * as hcloud from "@pulumi/hcloud";
import { describe, expect, test } from "vitest";
import { PrivateAddress, PrivateNetwork, type PrivateNetworkArgs } from "../../components/private-network.ts";
import { expectFamily, only, settled, underMocks } from "./mocks.ts";

const args: PrivateNetworkArgs = {
  networkName: "prod",
  range: "10.0.0.0/16",
  zone: "eu-central",
  labels: { "berth-stack": "prod" },
};
const network = "hcloud:index/network:Network";
const subnet = "hcloud:index/networkSubnet:NetworkSubnet";
const address = "hcloud:index/serverNetwork:ServerNetwork";
const make = (changes: Partial<PrivateNetworkArgs> = {}, ip?: string) =>
  underMocks(() => {
    const made = new PrivateNetwork("network", { ...args, ...changes });
    const server = new hcloud.Server("server", { serverType: "cx23" });
    const { protect } = changes;
    const joined = { server, network: made, ip, ...(protect !== undefined && { protect }) };
    return { made, server, place: new PrivateAddress("web1-private", joined) };
  });

describe("a PrivateNetwork", () => {
  test("is a protected network with one subnet in the servers' zone", async () => {
    const { seen, value } = await make();
    expectFamily(seen, "network", "server", "web1-private");
    const whole = only(seen, network);
    expect(whole.inputs).toEqual({
      name: "prod",
      ipRange: "10.0.0.0/16",
      deleteProtection: true,
      labels: { "berth-stack": "prod" },
    });
    expect(whole.protect).toBe(true);
    const part = only(seen, subnet);
    expect(part.inputs).toEqual({
      networkId: Number(await settled(value.made.nodes.network.id)),
      type: "cloud",
      networkZone: "eu-central",
      ipRange: "10.0.0.0/16",
    });
    expect([part.deleteBeforeReplace, part.deletedWith]).toEqual([true, ""]);
  });

  test.each<[string, Partial<PrivateNetworkArgs>, boolean, string]>([
    ["gives servers a part of it", { subnet: "10.0.1.0/24" }, true, "10.0.1.0/24"],
    ["can be deleted when it is not protected", { protect: false }, false, "10.0.0.0/16"],
  ])("%s", async (_, changes, protect, range) => {
    const { seen } = await make(changes);
    const whole = only(seen, network);
    expect([whole.protect, whole.inputs.deleteProtection]).toEqual([protect, protect]);
    const part = only(seen, subnet);
    expect([part.inputs.ipRange, part.deletedWith]).toEqual([range, protect ? "" : whole.urn]);
  });
});

describe("a server's PrivateAddress", () => {
  test.each([
    ["the one that was asked for", "10.0.0.2", "10.0.0.2"],
    ["the next free one", undefined, "10.0.0.9"],
  ])("is %s, once the subnet is there, and ends with the server", async (_, ip, expected) => {
    const { seen, value } = await make({ protect: false }, ip);
    const place = only(seen, address);
    expect(place.inputs).toEqual({
      serverId: Number(await settled(value.server.id)),
      subnetId: await settled(value.made.subnetId),
      ...(ip ? { ip } : {}),
    });
    expect(place.deletedWith).toBe(only(seen, "hcloud:index/server:Server").urn);
    expect(place.deleteBeforeReplace).toBe(true);
    expect(await settled(value.place.ip)).toBe(expected);
  });
});
