import { find, idParam, type Resource } from "./collection.ts";
import type { Cloud } from "./context.ts";
import type { Api } from "./http.ts";
import { subnetOf } from "./network-ranges.ts";
import type { NetworkRecord } from "./network-records.ts";
import { filterValues, paginate, sortBy } from "./query.ts";

const sortable = ["id", "type", "status", "ip"];

/** GET /networks/{id}/members: who has which address in a network. */
export function serveNetworkMembers(api: Api, cloud: Cloud, networks: Resource<NetworkRecord>): void {
  api.get(`/networks/${idParam}/members`, (request) => {
    const network = find(networks, request);
    const wanted = {
      type: filterValues(request.query, "type"),
      status: filterValues(request.query, "status"),
      subnet: filterValues(request.query, "subnet"),
    };
    const members = network.members
      .map(({ id, type, ip, alias_ips }) => ({
        id,
        type,
        ip,
        alias_ips,
        subnet: subnetOf(network, ip)?.ip_range ?? "",
        status: statusOf(cloud, { type, id }, network.id),
      }))
      .filter(
        (member) =>
          (wanted.type?.includes(member.type) ?? true) &&
          (wanted.status?.includes(member.status) ?? true) &&
          (wanted.subnet?.includes(member.subnet) ?? true),
      );
    const { items, meta } = paginate(sortBy(members, request.query, sortable), request.query);
    return { status: 200, body: { members: items, meta } };
  });
}

const statuses: Record<string, string> = {
  attach_to_network: "attaching",
  detach_from_network: "detaching",
  change_alias_ips: "updating",
};

/** What is being done to a member's place in the network. */
function statusOf(cloud: Cloud, member: { type: string; id: number }, network: number): string {
  const running = cloud.actions
    .all()
    .find(
      ({ status, command, resources }) =>
        status === "running" &&
        command in statuses &&
        [member, { type: "network", id: network }].every((wanted) =>
          resources.some(({ type, id }) => type === wanted.type && id === wanted.id),
        ),
    );
  return statuses[running?.command ?? ""] ?? "ok";
}
