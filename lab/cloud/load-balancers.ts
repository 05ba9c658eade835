import { z } from "zod";
import { takeAddress } from "./addresses.ts";
import { addressesInUse } from "./addresses-in-use.ts";
import type { Location } from "./catalogue.ts";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notUnique, refusedField } from "./errors.ts";
import type { Api } from "./http.ts";
import { ensureWithinLimit } from "./limits.ts";
import { serveLoadBalancerActions } from "./load-balancer-actions.ts";
import { serveLoadBalancerMetrics } from "./load-balancer-metrics.ts";
import {
  type BalancerTargetRecord,
  type LoadBalancerRecord,
  loadBalancerRecords,
} from "./load-balancer-records.ts";
import { ensureServices, newService, newServiceBody } from "./load-balancer-services.ts";
import { fittingTarget, targetBody } from "./load-balancer-targets.ts";
import { algorithm, ensureTargetCount, loadBalancerType } from "./load-balancer-types.ts";
import { loadBalancerView } from "./load-balancer-view.ts";
import { addressFor, admit, leaveNetworks } from "./network-members.ts";
import { type NetworkRecord, networkRecords } from "./network-records.ts";
import { macOf } from "./server-create.ts";
import { idOrName, labels } from "./validate.ts";

const name = z
  .string()
  .min(1)
  .max(128)
  .regex(/^\S(.*\S)?$/, "must not start or end with a space");

const create = z.object({
  name,
  load_balancer_type: idOrName,
  location: idOrName.nullish(),
  network_zone: z.string().nullish(),
  algorithm: z.object({ type: algorithm }).nullish(),
  services: z.array(newServiceBody).nullish(),
  targets: z.array(targetBody).nullish(),
  labels: labels.nullish(),
  public_interface: z.boolean().nullish(),
  network: z.int().nullish(),
});
const update = z.object({ name: name.nullish(), labels: labels.nullish() });

export function serveLoadBalancers(api: Api, cloud: Cloud): void {
  const records = loadBalancerRecords(cloud.store);
  const resource: Resource<LoadBalancerRecord> = {
    many: "load_balancers",
    one: "load_balancer",
    what: "load balancer",
    records,
    sortable: ["id", "name", "created"],
    filters: { name: byName },
    view: (balancer) => loadBalancerView(cloud, balancer),
  };
  const ensureFreeName = (wanted: string, own?: LoadBalancerRecord) => {
    if (records.all().some((balancer) => balancer !== own && balancer.name === wanted)) {
      throw notUnique("name", "load balancer name is already used");
    }
  };
  /** Takes a load balancer out of the store, with its place in networks. */
  const remove = (balancer: LoadBalancerRecord) => {
    leaveNetworks(cloud, "load_balancer", balancer.id);
    records.remove(balancer);
  };

  serveReads(api, cloud, resource);
  serveLoadBalancerMetrics(api, cloud, resource);
  api.post("/load_balancers", async (request) => {
    const body = request.body(create);
    ensureFreeName(body.name);
    ensureWithinLimit(cloud, { load_balancers: 1 });
    const type = loadBalancerType(cloud, body.load_balancer_type);
    const location = placeOf(cloud, body);
    const network = networkOf(cloud, body.network, location.name);
    const publicInterface = body.public_interface ?? true;
    if (!publicInterface && network === undefined) {
      throw new ApiError(
        "load_balancer_not_attached_to_network",
        "without a public interface it needs a network",
      );
    }
    const services = (body.services ?? []).map((service, index) => newService(service, `services.${index}.`));
    ensureServices(cloud.store, services, type, 412);
    const targets: BalancerTargetRecord[] = [];
    for (const target of body.targets ?? []) {
      targets.push(fittingTarget(cloud, { targets, network, public_interface: publicInterface }, target));
    }
    ensureTargetCount(targets, type);
    const address = (kind: "ipv4" | "ipv6") =>
      takeAddress(cloud.store, cloud.network, kind, addressesInUse(cloud.store));
    const balancer = records.add({
      name: body.name,
      load_balancer_type: type.name,
      location: location.name,
      labels: body.labels ?? {},
      protection: { delete: false },
      algorithm: body.algorithm?.type ?? "round_robin",
      services,
      targets,
      public_interface: publicInterface,
      ipv4: address("ipv4"),
      ipv6: address("ipv6"),
      dns_ptr: [],
      mac: "",
    });
    records.change(balancer, { mac: macOf(balancer.id) });
    if (network !== undefined) {
      admit(cloud, network, { type: "load_balancer", id: balancer.id }, location.name);
    }
    const [action] = await cloud.actions.answer(
      cloud.actions.start({
        command: "create_load_balancer",
        resources: [{ id: balancer.id, type: "load_balancer" }],
        work: () => cloud.balancers.push(),
        failed: () => remove(balancer),
      }),
    );
    return show(resource, balancer, { action }, 201);
  });
  api.put(`/load_balancers/${idParam}`, (request) => {
    const balancer = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, balancer);
    }
    records.change(balancer, given({ name: body.name ?? undefined, labels: body.labels ?? undefined }));
    return show(resource, balancer);
  });
  api.delete(`/load_balancers/${idParam}`, async (request) => {
    const balancer = find(resource, request);
    if (balancer.protection.delete) {
      throw new ApiError("protected", "load balancer deletion is protected");
    }
    remove(balancer);
    // Done before the answer: older clients ignore the action and go on at once.
    await cloud.balancers.quietly();
    const resources = [{ id: balancer.id, type: "load_balancer" }];
    const [action] = await cloud.actions.answer(
      cloud.actions.start({ command: "delete_load_balancer", resources }),
    );
    return { status: 201, body: { action } };
  });
  serveLoadBalancerActions(api, cloud, resource);
}

/** A location, or any of a network zone. */
function placeOf(
  cloud: Cloud,
  wanted: { location?: number | string | null | undefined; network_zone?: string | null | undefined },
): Location {
  const { locations } = cloud.catalogue();
  if ((wanted.location == null) === (wanted.network_zone == null)) {
    throw refusedField("location", "exactly one of location and network_zone must be given");
  }
  if (wanted.location != null) {
    const location = cloud.catalogue().location(wanted.location);
    if (location === undefined) {
      throw refusedField("location", `location '${wanted.location}' not found`);
    }
    return location;
  }
  const inZone = locations.find(({ network_zone }) => network_zone === wanted.network_zone);
  if (inZone === undefined) {
    throw refusedField("network_zone", `network zone '${wanted.network_zone}' not found`);
  }
  return inZone;
}

/** The network of an order, which must have an address left. */
function networkOf(cloud: Cloud, id: number | null | undefined, location: string): NetworkRecord | undefined {
  if (id == null) {
    return undefined;
  }
  const network = networkRecords(cloud.store).get(id);
  if (network === undefined) {
    throw refusedField("network", `network with ID '${id}' not found`);
  }
  addressFor(cloud, network, location, {});
  return network;
}
