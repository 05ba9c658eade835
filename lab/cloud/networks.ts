import { z } from "zod";
import type { Action } from "./actions.ts";
import { ensureIdle } from "./busy.ts";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notFound, notUnique, refusedField } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { ensureWithinLimit } from "./limits.ts";
import { serveNetworkMembers } from "./network-member-list.ts";
import { networksOf } from "./network-members.ts";
import {
  freeSubnet,
  growthProblem,
  ipv4,
  type Layout,
  maxRoutes,
  maxSubnets,
  networkRange,
  rangesOverlap,
  routeDestination,
  routeProblem,
  subnetGateway,
  subnetOf,
  subnetProblem,
  subnetRange,
} from "./network-ranges.ts";
import { type NetworkRecord, networkRecords, type Route, type Subnet } from "./network-records.ts";
import { serverRecords } from "./records.ts";
import { reason } from "./store.ts";
import { freeName, labels } from "./validate.ts";

const subnet = z.object({
  type: z.enum(["cloud", "server", "vswitch"]),
  ip_range: subnetRange.nullish(),
  network_zone: z.string(),
  vswitch_id: z.int().nullish(),
});
const route = z.object({ destination: routeDestination, gateway: ipv4 });
const create = z.object({
  name: freeName,
  ip_range: networkRange,
  subnets: z.array(subnet).nullish(),
  routes: z.array(route).nullish(),
  labels: labels.nullish(),
  expose_routes_to_vswitch: z.boolean().nullish(),
});
const update = z.object({
  name: freeName.nullish(),
  labels: labels.nullish(),
  expose_routes_to_vswitch: z.boolean().nullish(),
});

export function serveNetworks(api: Api, cloud: Cloud): void {
  const records = networkRecords(cloud.store);
  const resource: Resource<NetworkRecord> = {
    many: "networks",
    one: "network",
    what: "network",
    records,
    sortable: ["id", "name", "created"],
    filters: { name: byName },
    view: networkView,
  };
  const ensureFreeName = (name: string, own?: NetworkRecord) => {
    if (records.all().some((network) => network !== own && network.name === name)) {
      throw notUnique("name", "network name is already used");
    }
  };
  /** The network a request is to change: one change at a time, as clients expect and repeat. */
  const findIdle = (request: ApiRequest) => {
    const network = find(resource, request);
    ensureIdle(cloud, { id: network.id, type: "network" }, "conflict");
    return network;
  };

  serveReads(api, cloud, resource);
  serveNetworkMembers(api, cloud, resource);
  api.post("/networks", (request) => {
    const body = request.body(create);
    ensureFreeName(body.name);
    ensureWithinLimit(cloud, { networks: 1 });
    const layout: Layout = { ip_range: body.ip_range, subnets: [], routes: [], members: [] };
    const subnets: Subnet[] = [];
    for (const wanted of body.subnets ?? []) {
      subnets.push(fittingSubnet(cloud, { ...layout, subnets }, wanted, "subnets."));
    }
    const routes: Route[] = [];
    for (const wanted of body.routes ?? []) {
      routes.push(fittingRoute({ ...layout, subnets, routes }, wanted, "routes."));
    }
    const network = records.add({
      name: body.name,
      ip_range: body.ip_range,
      subnets,
      routes,
      labels: body.labels ?? {},
      protection: { delete: false },
      expose_routes_to_vswitch: body.expose_routes_to_vswitch ?? false,
      members: [],
    });
    return show(resource, network, {}, 201);
  });
  api.put(`/networks/${idParam}`, (request) => {
    const network = findIdle(request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, network);
    }
    records.change(
      network,
      given({
        name: body.name ?? undefined,
        labels: body.labels ?? undefined,
        expose_routes_to_vswitch: body.expose_routes_to_vswitch ?? undefined,
      }),
    );
    return show(resource, network);
  });
  api.delete(`/networks/${idParam}`, async (request) => {
    const network = findIdle(request);
    if (network.protection.delete) {
      throw new ApiError("protected", "network deletion is protected");
    }
    records.remove(network);
    try {
      await cloud.privateNetworks.push();
    } catch (error) {
      records.restore(network);
      throw new ApiError(
        "service_error",
        `the network's interfaces could not be unplugged: ${reason(error)}`,
      );
    }
    return { status: 204 };
  });

  const action = (name: string, act: (network: NetworkRecord, request: ApiRequest) => Action) =>
    api.post(`/networks/${idParam}/actions/${name}`, async (request) => {
      const [done] = await cloud.actions.answer(act(findIdle(request), request));
      return { status: 201, body: { action: done } };
    });
  /** Changes the store at once, and back when the action fails. */
  const change = (
    network: NetworkRecord,
    command: string,
    fields: Partial<Omit<NetworkRecord, "id" | "created">>,
    work?: () => Promise<void>,
  ) => {
    const before = { ...network };
    records.change(network, fields);
    return cloud.actions.start({
      command,
      resources: [{ id: network.id, type: "network" }],
      ...(work ? { work } : {}),
      failed: () =>
        records.change(network, {
          subnets: before.subnets,
          routes: before.routes,
          ip_range: before.ip_range,
          protection: before.protection,
        }),
    });
  };

  action("add_subnet", (network, request) => {
    const added = fittingSubnet(cloud, network, request.body(subnet));
    return change(network, "add_subnet", { subnets: [...network.subnets, added] });
  });
  action("delete_subnet", (network, request) => {
    const { ip_range } = request.body(z.object({ ip_range: z.string() }));
    const unwanted = network.subnets.find((one) => one.ip_range === ip_range);
    if (unwanted === undefined) {
      throw notFound("subnet", ip_range);
    }
    const inside = network.members.filter(({ ip }) => subnetOf(network, ip) === unwanted);
    if (inside.length > 0) {
      throw new ApiError(
        "service_error",
        // The Terraform provider tries again by these very words.
        inside.some(({ type }) => type === "server")
          ? "cannot remove subnet because servers are attached to it"
          : "cannot remove subnet because network has attached resources",
      );
    }
    return change(network, "delete_subnet", { subnets: network.subnets.filter((one) => one !== unwanted) });
  });
  action("add_route", (network, request) => {
    const added = fittingRoute(network, request.body(route));
    return change(network, "add_route", { routes: [...network.routes, added] });
  });
  action("delete_route", (network, request) => {
    const unwanted = request.body(z.object({ destination: z.string(), gateway: z.string() }));
    const left = network.routes.filter(
      ({ destination, gateway }) => destination !== unwanted.destination || gateway !== unwanted.gateway,
    );
    if (left.length === network.routes.length) {
      throw notFound("route", unwanted.destination);
    }
    return change(network, "delete_route", { routes: left });
  });
  action("change_ip_range", (network, request) => {
    const { ip_range } = request.body(z.object({ ip_range: networkRange }));
    const problem = growthProblem(network.ip_range, ip_range);
    if (problem !== undefined) {
      throw refusedField("ip_range", problem);
    }
    ensureApart(cloud, network, ip_range);
    return change(network, "change_ip_range", { ip_range }, () => cloud.privateNetworks.push());
  });
  action("change_protection", (network, request) => {
    const { delete: wanted } = request.body(z.object({ delete: z.boolean().nullish() }));
    return change(network, "change_protection", {
      protection: { delete: wanted ?? network.protection.delete },
    });
  });
}

function networkView(network: NetworkRecord): object {
  const idsOf = (wanted: string) => network.members.filter(({ type }) => type === wanted).map(({ id }) => id);
  return {
    id: network.id,
    name: network.name,
    ip_range: network.ip_range,
    subnets: network.subnets.map((one) => ({ ...one, gateway: subnetGateway(network, one) })),
    routes: network.routes,
    servers: idsOf("server"),
    load_balancers: idsOf("load_balancer"),
    protection: network.protection,
    labels: network.labels,
    created: network.created,
    expose_routes_to_vswitch: network.expose_routes_to_vswitch,
  };
}

/** The subnet as it is kept; throws when it does not fit. */
function fittingSubnet(cloud: Cloud, network: Layout, wanted: z.output<typeof subnet>, path = ""): Subnet {
  if (network.subnets.length >= maxSubnets) {
    throw new ApiError("resource_limit_exceeded", `a network can have ${maxSubnets} subnets`);
  }
  const vswitch_id = wanted.vswitch_id ?? null;
  const ip_range = wanted.ip_range ?? freeSubnet(network);
  if (ip_range === undefined) {
    throw new ApiError("no_subnet_available", `no /24 is free in ${network.ip_range}`);
  }
  const fitting = { type: wanted.type, ip_range, network_zone: wanted.network_zone, vswitch_id };
  const zones = cloud.catalogue().locations.map(({ network_zone }) => network_zone);
  const problem = subnetProblem(network, fitting, zones);
  if (problem !== undefined) {
    throw refusedField(`${path}${problem.field}`, problem.message);
  }
  const coupled = [
    ...network.subnets,
    ...networkRecords(cloud.store)
      .all()
      .flatMap(({ subnets }) => subnets),
  ];
  if (vswitch_id !== null && coupled.some((other) => other.vswitch_id === vswitch_id)) {
    throw new ApiError("vswitch_id_already_used", `vSwitch ${vswitch_id} is already coupled with a network`);
  }
  return fitting;
}

function fittingRoute(network: Layout, wanted: Route, path = ""): Route {
  if (network.routes.length >= maxRoutes) {
    throw new ApiError("resource_limit_exceeded", `a network can have ${maxRoutes} routes`);
  }
  const problem = routeProblem(network, wanted);
  if (problem !== undefined) {
    throw refusedField(`${path}${problem.field}`, problem.message);
  }
  return wanted;
}

/** Throws when a server of the network would be in two networks that share addresses. */
function ensureApart(cloud: Cloud, network: NetworkRecord, ipRange: string): void {
  for (const { type, id } of network.members) {
    const server = type === "server" ? serverRecords(cloud.store).get(id) : undefined;
    const others = server ? networksOf(cloud, server).filter((other) => other !== network) : [];
    const other = others.find(({ ip_range }) => rangesOverlap(ip_range, ipRange));
    if (server !== undefined && other !== undefined) {
      throw new ApiError(
        "networks_overlap",
        `${ipRange} overlaps with ${other.ip_range} of network '${other.name}', which server '${server.name}' is attached to as well`,
      );
    }
  }
}
