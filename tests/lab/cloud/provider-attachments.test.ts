import { expect, test } from "vitest";
import type { ActionMode } from "../../../lab/cloud/actions.ts";
import { type TestCloud, testCloud } from "./client.ts";
import { waitFor } from "./wait-for.ts";

/*
 * What the Terraform provider inside @pulumi/hcloud (1.39.1, hcloud-go 2.44) sends for networks, volumes and floating IPs, as
 * its runs against this cloud were logged, and what it needs of the answers.
 */

const common = { server_type: "cx23", location: "fsn1", labels: {} };

async function network(cloud: TestCloud): Promise<number> {
  const body = {
    name: "net-1",
    ip_range: "10.0.0.0/16",
    labels: { s: "1" },
    expose_routes_to_vswitch: false,
  };
  const created = await cloud.post("/networks", body);
  const id = created.number("network.id");
  expect((await cloud.get(`/networks/${id}`)).at("network")).toMatchObject({
    ...body,
    subnets: [],
    routes: [],
  });
  return id;
}

/** hcloud_network_subnet: afterwards it looks its range up as text, and cannot do without a gateway. */
async function subnet(cloud: TestCloud, net: number, ip_range: string): Promise<void> {
  const body = { type: "cloud", ip_range, network_zone: "eu-central" };
  let added = await cloud.post(`/networks/${net}/actions/add_subnet`, body);
  for (let tries = 0; added.at("error.code") === "conflict" && tries < 5; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    added = await cloud.post(`/networks/${net}/actions/add_subnet`, body);
  }
  await waitFor(cloud, added, "action");
  const subnets = (await cloud.get(`/networks/${net}`)).at("network.subnets");
  expect(subnets).toContainEqual({ ...body, gateway: "10.0.0.1", vswitch_id: null });
}

async function server(cloud: TestCloud, name: string, fields: object = {}): Promise<number> {
  const images = await cloud.get("/images?architecture=x86&include_deprecated=true&name=debian-13");
  const body = { ...common, name, image: images.number("images.0.id"), ...fields };
  const created = await cloud.post("/servers", body);
  await waitFor(cloud, created, "action");
  for (const i of (created.at("next_actions") as unknown[]).keys()) {
    await waitFor(cloud, created, `next_actions.${i}`);
  }
  return created.number("server.id");
}

test.each<ActionMode>(["running", "instant"])(
  "networks, volumes and floating IPs with actions that answer as %s: made in parallel, changed, taken down",
  async (actionMode) => {
    const cloud = await testCloud({ actionMode });
    const post = async (path: string, body?: object) =>
      waitFor(cloud, await cloud.post(path, body), "action");
    const net = await network(cloud);
    await Promise.all(["10.0.1.0/24", "10.0.2.0/24"].map((range) => subnet(cloud, net, range)));
    const route = { destination: "10.100.1.0/24", gateway: "10.0.1.1" };
    await post(`/networks/${net}/actions/add_route`, route);
    expect((await cloud.get(`/networks/${net}`)).at("network.routes")).toEqual([route]);

    // Without public addresses the provider orders a server that is off, attaches it and powers it on.
    const off = { enable_ipv4: false, enable_ipv6: false };
    const db = await server(cloud, "db", { start_after_create: false, public_net: off });
    await post(`/servers/${db}/actions/attach_to_network`, { network: net, alias_ips: [] });
    await post(`/servers/${db}/actions/poweron`);
    expect((await cloud.get(`/servers/${db}`)).at("server")).toMatchObject({
      status: "running",
      public_net: { ipv4: null, ipv6: null, floating_ips: [], firewalls: [] },
      private_net: [{ network: net, ip: "10.0.1.1", alias_ips: [] }],
    });

    const app = await server(cloud, "app");
    // hcloud_server_network with a subnet's id sends its range, and no address.
    await post(`/servers/${app}/actions/attach_to_network`, { network: net, ip_range: "10.0.2.0/24" });
    await post(`/servers/${app}/actions/change_alias_ips`, { network: net, alias_ips: ["10.0.2.9"] });
    expect((await cloud.get(`/servers/${app}`)).at("server.private_net")).toMatchObject([
      { network: net, ip: "10.0.2.1", alias_ips: ["10.0.2.9"] },
    ]);

    // Several volumes for one server at the same time; a lock makes the provider ask again at once.
    const volumes = await Promise.all(
      [1, 2, 3].map(async (i) => {
        const body = {
          name: `vol-${i}`,
          size: 10,
          server: app,
          labels: {},
          automount: false,
          format: "ext4",
        };
        let created = await cloud.post("/volumes", body);
        for (let tries = 0; created.at("error.code") === "locked" && tries < 20; tries++) {
          created = await cloud.post("/volumes", body);
        }
        await waitFor(cloud, created, "action");
        await waitFor(cloud, created, "next_actions.0");
        const id = created.number("volume.id");
        const linux_device = `/dev/disk/by-id/scsi-0HC_Volume_${id}`;
        expect((await cloud.get(`/volumes/${id}`)).at("volume")).toMatchObject({ server: app, linux_device });
        return id;
      }),
    );
    await post(`/volumes/${volumes[0]}/actions/resize`, { size: 20 });

    const float = await cloud.post("/floating_ips", { type: "ipv4", home_location: "fsn1", name: "f4-1" });
    expect(float.at("action")).toBeNull();
    const floating = `/floating_ips/${float.number("floating_ip.id")}`;
    await post(`${floating}/actions/assign`, { server: db });
    await post(`${floating}/actions/assign`, { server: app });
    const ip = float.at("floating_ip.ip");
    await post(`${floating}/actions/change_dns_ptr`, { ip, dns_ptr: "a.example.org" });
    expect((await cloud.get(floating)).at("floating_ip")).toMatchObject({
      server: app,
      description: null,
      dns_ptr: [{ ip, dns_ptr: "a.example.org" }],
    });

    await post(`${floating}/actions/change_dns_ptr`, { ip, dns_ptr: null });
    await post(`${floating}/actions/unassign`);
    expect((await cloud.delete(floating)).status).toBe(204);
    for (const id of volumes) {
      await post(`/volumes/${id}/actions/detach`);
      expect((await cloud.delete(`/volumes/${id}`)).status).toBe(204);
    }
    await post(`/servers/${app}/actions/detach_from_network`, { network: net });
    for (const id of [app, db]) await waitFor(cloud, await cloud.delete(`/servers/${id}`), "action");
    await post(`/networks/${net}/actions/delete_route`, route);
    for (const ip_range of ["10.0.1.0/24", "10.0.2.0/24"]) {
      await post(`/networks/${net}/actions/delete_subnet`, { ip_range });
    }
    expect((await cloud.delete(`/networks/${net}`)).status).toBe(204);
    expect(cloud.driver).toMatchObject({ privateInterfaces: [], volumes: [] });
  },
);
