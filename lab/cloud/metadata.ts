import { Hono } from "hono";
import { stringify } from "yaml";
import { addressWithin } from "./addresses.ts";
import type { Cloud } from "./context.ts";
import { floatingIpRecords } from "./floating-ip-records.ts";
import { parseCidr } from "./ip.ts";
import { localIpv4, privateNetworksText, serverAtPrivateAddress } from "./metadata-networks.ts";
import { addressesOf } from "./primary-ips.ts";
import { primaryIpRecords, type ServerRecord, serverRecords } from "./records.ts";

/**
 * What 169.254.169.254 tells a server, served by source address:
 * `GET /by-address/<ip>/hetzner/v1/...`. The listener in the servers' network forwards here.
 * `GET /by-address/<ip>/lab/v1/...` tells the same as the files of a cloud-init seed, because cloud-init asks at Hetzner's
 * paths only on hardware that says it is Hetzner's.
 */
export function metadataApp(cloud: Cloud): Hono {
  const app = new Hono();
  app.get("/by-address/:address/hetzner/v1/*", (c) => {
    const server = serverAt(cloud, c.req.param("address"));
    const path = c.req.path.replace(/^\/by-address\/[^/]+\/hetzner\/v1/, "").replace(/\/$/, "");
    const text = server && answer(cloud, server, path);
    return text === undefined ? c.text("not found", 404) : c.text(text);
  });
  app.get("/by-address/:address/lab/v1/:file", (c) => {
    const server = serverAt(cloud, c.req.param("address"));
    const text = server && seedFile(server, c.req.param("file"));
    return text === undefined ? c.text("not found", 404) : c.text(text);
  });
  return app;
}

/** cloud-init asks for all four and repeats for seconds what it is refused; an empty one says that there is nothing. */
function seedFile({ id, name, ssh_keys, user_data }: ServerRecord, file: string): string | undefined {
  switch (file) {
    case "meta-data":
      return JSON.stringify({ "instance-id": String(id), "local-hostname": name, "public-keys": ssh_keys });
    case "user-data":
      return user_data ?? "#cloud-config\n";
    case "vendor-data":
    case "network-config":
      return "";
    default:
      return undefined;
  }
}

/** The server that holds an address, be it public, floating or private; any address of its /64 counts. */
function serverAt({ store }: Cloud, address: string): ServerRecord | undefined {
  const held = [
    ...primaryIpRecords(store)
      .all()
      .map(({ ip, assignee_id }) => ({ ip, server: assignee_id })),
    ...floatingIpRecords(store).all(),
  ];
  const holder = held.find(({ ip, server }) => server !== null && addressWithin(ip, address) !== undefined);
  const id = holder?.server ?? serverAtPrivateAddress(store, address);
  return id === undefined ? undefined : serverRecords(store).get(id);
}

function answer(cloud: Cloud, server: ServerRecord, path: string): string | undefined {
  const { ipv4 } = addressesOf(cloud, server.id);
  const location = cloud.catalogue().location(server.location);
  const zone = cloud
    .catalogue()
    .datacenters.find((datacenter) => datacenter.location.name === server.location)?.name;
  const facts: Record<string, string> = {
    hostname: server.name,
    "instance-id": String(server.id),
    "public-ipv4": ipv4?.ip ?? "",
    "local-ipv4": localIpv4(cloud.store, server.id),
    region: location?.network_zone ?? "",
    "availability-zone": zone ?? server.location,
    "private-networks": privateNetworksText(cloud.store, server.id),
    "public-keys": server.ssh_keys.join("\n"),
  };
  switch (path) {
    case "/metadata":
      // Unfolded, because shell scripts read it line by line.
      return stringify(
        {
          "availability-zone": facts["availability-zone"],
          hostname: facts.hostname,
          "instance-id": server.id,
          "local-ipv4": facts["local-ipv4"],
          "network-config": networkConfig(cloud, server),
          "public-ipv4": facts["public-ipv4"],
          "public-keys": server.ssh_keys,
          region: facts.region,
        },
        { lineWidth: 0 },
      );
    case "/userdata":
      return server.user_data ?? "";
    default: {
      const name = /^\/metadata\/([a-z0-9-]+)$/.exec(path)?.[1];
      return name !== undefined && Object.hasOwn(facts, name) ? facts[name] : undefined;
    }
  }
}

/** cloud-init's network-config version 1, as Hetzner writes it. */
function networkConfig(cloud: Cloud, server: ServerRecord): object {
  const { ipv4, ipv6 } = addressesOf(cloud, server.id);
  const subnet6 = ipv6 && parseCidr(ipv6.ip);
  const subnets = [
    ...(ipv4 ? [{ type: "dhcp", ipv4: true }] : []),
    ...(ipv6 && subnet6
      ? [
          {
            type: "static",
            ipv6: true,
            address: `${ipv6.ip.replace(/\/\d+$/, "")}1/${subnet6.prefix}`,
            gateway: "fe80::1",
          },
        ]
      : []),
  ];
  return { version: 1, config: [{ type: "physical", name: "eth0", mac_address: server.mac, subnets }] };
}
