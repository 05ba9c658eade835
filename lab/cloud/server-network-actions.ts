import { z } from "zod";
import type { Action } from "./actions.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notFound } from "./errors.ts";
import {
  admit,
  ensureAliases,
  ensureNetworkAttachable,
  networksOf,
  replaceMember,
  zoneOf,
} from "./network-members.ts";
import { ipv4 } from "./network-ranges.ts";
import { type Member, memberOf, type NetworkRecord, networkRecords } from "./network-records.ts";
import type { ServerRecord } from "./records.ts";
import type { Act } from "./server-act.ts";

const attach = z.object({
  network: z.int(),
  ip: ipv4.nullish(),
  ip_range: z.string().nullish(),
  alias_ips: z.array(ipv4).nullish(),
});
const detach = z.object({ network: z.int() });
const changeAliases = z.object({ network: z.int(), alias_ips: z.array(ipv4) });

/** The actions that plug servers into networks. */
export function serveServerNetworkActions(route: (name: string, act: Act) => void, cloud: Cloud): void {
  route("attach_to_network", (server, request) => {
    const { network: id, ...wanted } = request.body(attach);
    const network = existing(cloud, id);
    ensureNetworkAttachable(network, networksOf(cloud, server));
    const member = admit(cloud, network, { type: "server", id: server.id }, server.location, wanted);
    return start(cloud, "attach_to_network", server, network, () =>
      replaceMember(cloud, network, member, null),
    );
  });
  route("detach_from_network", (server, request) => {
    const { network, member } = membership(cloud, server, request.body(detach).network);
    replaceMember(cloud, network, member, null);
    return start(cloud, "detach_from_network", server, network, () =>
      networkRecords(cloud.store).change(network, { members: [...network.members, member] }),
    );
  });
  route("change_alias_ips", (server, request) => {
    const body = request.body(changeAliases);
    const { network, member } = membership(cloud, server, body.network);
    ensureAliases(network, zoneOf(cloud, server.location), body.alias_ips, member);
    const changed = { ...member, alias_ips: body.alias_ips };
    replaceMember(cloud, network, member, changed);
    return start(cloud, "change_alias_ips", server, network, () =>
      replaceMember(cloud, network, changed, member),
    );
  });
}

function existing(cloud: Cloud, id: number): NetworkRecord {
  const network = networkRecords(cloud.store).get(id);
  if (network === undefined) {
    throw notFound("network", id);
  }
  return network;
}

function membership(
  cloud: Cloud,
  server: ServerRecord,
  id: number,
): { network: NetworkRecord; member: Member } {
  const network = existing(cloud, id);
  const member = memberOf(network, "server", server.id);
  if (member === undefined) {
    throw new ApiError("not_found", `server is not attached to network with ID '${id}'`);
  }
  return { network, member };
}

function start(
  cloud: Cloud,
  command: string,
  server: ServerRecord,
  network: NetworkRecord,
  failed: () => void,
): Action {
  return cloud.actions.start({
    command,
    resources: [
      { id: server.id, type: "server" },
      { id: network.id, type: "network" },
    ],
    locks: server.id,
    work: () => cloud.privateNetworks.push(),
    failed,
  });
}
