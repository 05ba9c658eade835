import { describe, expect, test } from "vitest";
import { refusal, stage } from "../hcloud-engine.ts";

/** The requests, states and words the real plugin was seen to have for the same steps. */

const plain = { name: "web", serverType: "cx23", image: "debian-13", location: "fsn1" };
const zone = { type: "cloud", networkZone: "eu-central" };

/** A network with a subnet, and a server. */
async function networked() {
  const at = await stage();
  const networks = await at.kind("Network");
  const subnets = await at.kind("NetworkSubnet");
  const network = await networks.create("n", { name: "n", ipRange: "10.0.0.0/16" });
  const subnet = await subnets.create("s", { networkId: network.id, ...zone, ipRange: "10.0.1.0/24" });
  const server = await at.servers.create("web", plain);
  at.requests();
  return { at, networks, subnets, network, subnet, server };
}

describe("a network", () => {
  test("is changed one request a property, and looked for by name when its id is gone", async () => {
    await using at = await stage();
    const networks = await at.kind("Network");
    const args = { name: "n", ipRange: "10.0.0.1/16" };
    const made = await networks.create("n", args);
    const path = `/networks/${made.id}`;
    expect(at.requests()).toEqual([
      ["POST /networks", { name: "n", ip_range: "10.0.0.0/16", expose_routes_to_vswitch: false }],
      [`GET ${path}`],
    ]);
    const more = { labels: { a: "1" }, deleteProtection: true, exposeRoutesToVswitch: true };
    const changed = await networks.update("n", made, { ...args, name: "n2", ...more });
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`PUT ${path}`, { name: "n2" }],
      [`PUT ${path}`, { labels: { a: "1" } }],
      [`PUT ${path}`, { expose_routes_to_vswitch: true }],
      [`POST ${path}/actions/change_protection`, { delete: true }],
      [`GET ${path}`],
    ]);
    const open = await networks.update("n", changed, { ...args, name: "n2" });
    at.requests();
    await networks.delete("n", open);
    await networks.delete("n", open);
    expect((await networks.refresh("n", open)).id).toBe("");
    expect(at.requests()).toEqual([
      [`DELETE ${path}`],
      [`DELETE ${path}`],
      [`GET ${path}`],
      [`GET /networks?name=${made.id}`],
    ]);
  });

  test("has subnets and routes known by its id and their range", async () => {
    const { at, network, subnet, subnets } = await networked();
    await using _ = at;
    expect(subnet).toMatchObject({ id: `${network.id}-10.0.1.0/24`, outputs: { gateway: "10.0.0.1" } });
    const routes = await at.kind("NetworkRoute");
    const route = await routes.create("r", {
      networkId: network.id,
      destination: "10.100.1.0/24",
      gateway: "10.0.1.5",
    });
    expect(route.id).toBe(`${network.id}-10.100.1.0/24`);
    expect(await routes.refresh("r", route)).toEqual({ ...route, inputs: { ...route.inputs } });
    const path = `/networks/${network.id}`;
    at.requests();
    await routes.delete("r", route);
    await subnets.delete("s", subnet);
    expect(at.requests()).toEqual([
      [`GET ${path}`],
      [`POST ${path}/actions/delete_route`, { destination: "10.100.1.0/24", gateway: "10.0.1.5" }],
      [`GET ${path}`],
      [`POST ${path}/actions/delete_subnet`, { ip_range: "10.0.1.0/24" }],
    ]);
    expect((await subnets.refresh("s", subnet)).id).toBe("");
    const imported = await subnets.import("s", subnet.id);
    expect(imported.id).toBe("");
  });

  test("gets no route with a gateway that is none, and nobody says why", async () => {
    const { at, network } = await networked();
    await using _ = at;
    const routes = await at.kind("NetworkRoute");
    const args = { networkId: network.id, destination: "10.100.1.0/24", gateway: "bad" };
    expect((await refusal(routes.create("r", args))).message).toMatch(
      /^expected non-nil error with nil state during Create of urn:/,
    );
    expect(at.requests()).toEqual([]);
  });
});

describe("a server's place in a network", () => {
  test("is asked for by network or by subnet, and known by both ids", async () => {
    const { at, network, subnet, server } = await networked();
    await using _ = at;
    const members = await at.kind("ServerNetwork");
    const serverId = Number(server.id);
    const made = await members.create("m", { serverId, subnetId: subnet.id, aliasIps: ["10.0.1.20"] });
    expect(at.requests()).toEqual([
      [
        `POST /servers/${server.id}/actions/attach_to_network`,
        { network: Number(network.id), alias_ips: ["10.0.1.20"], ip_range: "10.0.1.0/24" },
      ],
      [`GET /servers/${server.id}`],
    ]);
    expect(made).toMatchObject({
      id: `${server.id}-${network.id}`,
      outputs: { serverId, networkId: Number(network.id), subnetId: subnet.id, aliasIps: ["10.0.1.20"] },
    });
    const changed = await members.update("m", made, {
      serverId,
      subnetId: subnet.id,
      aliasIps: ["10.0.1.22", "10.0.1.21"],
    });
    expect(at.requests()).toEqual([
      [
        `POST /servers/${server.id}/actions/change_alias_ips`,
        { network: Number(network.id), alias_ips: ["10.0.1.21", "10.0.1.22"] },
      ],
      [`GET /servers/${server.id}`],
    ]);
    await members.delete("m", changed);
    await members.delete("m", changed);
    expect((await members.refresh("m", changed)).id).toBe("");
  });

  test("is waited for while the cloud is busy, and is no error when it is there already", async () => {
    const { at, network, server } = await networked();
    await using _ = at;
    const members = await at.kind("ServerNetwork");
    const args = { serverId: Number(server.id), networkId: Number(network.id) };
    for (const code of ["locked", "no_subnet_available"])
      at.cloud.faults.add({
        method: "POST",
        path: "/servers/\\d+/actions/attach.*",
        code,
        times: 1,
        delay: 0,
      });
    const made = await members.create("m", args);
    expect(at.requests().filter(([line]) => line.endsWith("attach_to_network"))).toHaveLength(3);
    expect((await members.create("again", args)).id).toBe(made.id);
  });

  test("names a subnet that is none in the real provider's words", async () => {
    const { at, server } = await networked();
    await using _ = at;
    const members = await at.kind("ServerNetwork");
    const args = { serverId: Number(server.id), subnetId: "bad" };
    expect((await refusal(members.create("m", args))).message).toBe(
      `[AttributeName("subnet_id")] Invalid Subnet ID: Unexpected subnet id 'bad', expected '$NETWORK_ID-$SUBNET_IP_RANGE'`,
    );
    expect(at.requests()).toEqual([]);
  });
});

describe("networks of the server's own property", () => {
  test("are joined after the order, changed by joining and leaving, and kept as they are written", async () => {
    const { at, network, subnet, server: other } = await networked();
    await using _ = at;
    const id = Number(network.id);
    const made = await at.servers.create("b", {
      ...plain,
      name: "b",
      publicNets: [{ ipv4Enabled: false, ipv6Enabled: false }],
      networks: [{ subnetId: subnet.id, ip: "10.0.1.77" }],
    });
    const path = `/servers/${made.id}`;
    expect(at.requests().slice(2)).toEqual([
      [
        "POST /servers",
        {
          name: "b",
          server_type: "cx23",
          image: expect.any(Number),
          location: "fsn1",
          start_after_create: false,
          public_net: { enable_ipv4: false, enable_ipv6: false },
        },
      ],
      [`POST ${path}/actions/attach_to_network`, { network: id, ip: "10.0.1.77", ip_range: "10.0.1.0/24" }],
      [`POST ${path}/actions/poweron`],
      [`GET ${path}`],
    ]);
    expect(made.outputs).toMatchObject({
      status: "running",
      networks: [{ ip: "10.0.1.77", subnetId: subnet.id, networkId: id, aliasIps: [] }],
    });
    const first = await at.servers.update("web", other, { ...plain, networks: [{ networkId: network.id }] });
    expect(
      (await at.servers.diff("web", first, { ...plain, networks: [{ networkId: network.id }] })).changes,
    ).toBe(false);
    at.requests();
    const moved = await at.servers.update("web", first, {
      ...plain,
      networks: [{ networkId: network.id, ip: "10.0.1.9" }],
    });
    const actions = `/servers/${other.id}/actions`;
    expect(at.requests().slice(1, -1)).toEqual([
      [`POST ${actions}/detach_from_network`, { network: id }],
      [`POST ${actions}/attach_to_network`, { network: id, ip: "10.0.1.9" }],
    ]);
    const aliased = await at.servers.update("web", moved, {
      ...plain,
      networks: [{ networkId: network.id, ip: "10.0.1.9", aliasIps: ["10.0.1.10"] }],
    });
    expect(at.requests().slice(1, -1)).toEqual([
      [`POST ${actions}/change_alias_ips`, { network: id, alias_ips: ["10.0.1.10"] }],
    ]);
    await at.servers.update("web", aliased, plain);
    expect(at.requests().slice(1, -1)).toEqual([[`POST ${actions}/detach_from_network`, { network: id }]]);
  });

  test("that are not there are told with the step that failed", async () => {
    await using at = await stage();
    const refused = await refusal(at.servers.create("web", { ...plain, networks: [{ networkId: 99 }] }));
    expect(refused.message).toMatch(
      /\* hcloud\/inlineAttachServerToNetwork: attach server to network: .*not_found/,
    );
    expect(refused.stored?.id).toMatch(/^\d+$/);
  });
});
