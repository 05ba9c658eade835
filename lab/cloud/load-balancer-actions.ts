import { z } from "zod";
import type { Action, ResourceRef } from "./actions.ts";
import { find, idParam, type Resource } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, invalidField, notFound } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { formatAddress, parseAddress } from "./ip.ts";
import {
  type BalancerServiceRecord,
  type BalancerTargetRecord,
  type LoadBalancerRecord,
  loadBalancerRecords,
} from "./load-balancer-records.ts";
import {
  changedService,
  changedServiceBody,
  ensureServices,
  newService,
  newServiceBody,
  port,
} from "./load-balancer-services.ts";
import { fittingTarget, networkOfBalancer, sameTarget, targetBody } from "./load-balancer-targets.ts";
import { algorithm, ensureTargetCount, loadBalancerType } from "./load-balancer-types.ts";
import { ipv6Of } from "./load-balancer-view.ts";
import { admit, replaceMember } from "./network-members.ts";
import { ipv4 } from "./network-ranges.ts";
import { memberOf, networkRecords } from "./network-records.ts";
import { pointer } from "./primary-ips.ts";

const attach = z.object({ network: z.int(), ip: ipv4.nullish(), ip_range: z.string().nullish() });

type Fields = Partial<Omit<LoadBalancerRecord, "id" | "created">>;
type Act = (balancer: LoadBalancerRecord, request: ApiRequest) => Action;

export function serveLoadBalancerActions(
  api: Api,
  cloud: Cloud,
  resource: Resource<LoadBalancerRecord>,
): void {
  const records = loadBalancerRecords(cloud.store);
  const action = (name: string, act: Act) =>
    api.post(`/load_balancers/${idParam}/actions/${name}`, async (request) => {
      const [done] = await cloud.actions.answer(act(find(resource, request), request));
      return { status: 201, body: { action: done } };
    });
  const start = (
    balancer: LoadBalancerRecord,
    command: string,
    failed: () => void,
    others: ResourceRef[] = [],
  ): Action =>
    cloud.actions.start({
      command,
      resources: [{ id: balancer.id, type: "load_balancer" }, ...others],
      work: () => cloud.balancers.push(),
      failed,
    });
  /** Changes the store at once; `undo` says what to put back should the driver not follow. */
  const change = (
    balancer: LoadBalancerRecord,
    command: string,
    fields: Fields,
    undo: () => Fields,
    others: ResourceRef[] = [],
  ): Action => {
    records.change(balancer, fields);
    return start(balancer, command, () => records.change(balancer, undo()), others);
  };
  const typeOf = ({ load_balancer_type }: LoadBalancerRecord) => loadBalancerType(cloud, load_balancer_type);

  action("add_service", (balancer, request) => {
    const service = newService(request.body(newServiceBody));
    const services = [...balancer.services, service];
    ensureServices(cloud.store, services, typeOf(balancer), 412);
    return change(balancer, "add_service", { services }, () => ({
      services: balancer.services.filter((one) => one !== service),
    }));
  });
  action("update_service", (balancer, request) => {
    const body = request.body(changedServiceBody);
    const old = serviceAt(balancer, body.listen_port);
    const changed = changedService(old, body);
    const replace = (from: BalancerServiceRecord, to: BalancerServiceRecord) => ({
      services: balancer.services.map((one) => (one === from ? to : one)),
    });
    const { services } = replace(old, changed);
    ensureServices(cloud.store, services, typeOf(balancer), 422);
    return change(balancer, "update_service", { services }, () => replace(changed, old));
  });
  action("delete_service", (balancer, request) => {
    const service = serviceAt(balancer, request.body(z.object({ listen_port: port })).listen_port);
    const services = balancer.services.filter((one) => one !== service);
    return change(balancer, "delete_service", { services }, () => ({
      services: [...balancer.services, service],
    }));
  });

  action("add_target", (balancer, request) => {
    const network = networkOfBalancer(cloud.store, balancer.id);
    const target = fittingTarget(cloud, { ...balancer, network }, request.body(targetBody));
    const targets = [...balancer.targets, target];
    ensureTargetCount(targets, typeOf(balancer));
    return change(
      balancer,
      "add_target",
      { targets },
      () => ({ targets: balancer.targets.filter((one) => one !== target) }),
      serverOf(target),
    );
  });
  action("remove_target", (balancer, request) => {
    const unwanted = request.body(targetBody);
    const target = balancer.targets.find((one) => sameTarget(one, unwanted));
    if (target === undefined) {
      throw new ApiError("load_balancer_target_not_found", "the target is not one of the load balancer's");
    }
    const targets = balancer.targets.filter((one) => one !== target);
    return change(
      balancer,
      "remove_target",
      { targets },
      () => ({ targets: [...balancer.targets, target] }),
      serverOf(target),
    );
  });

  action("attach_to_network", (balancer, request) => {
    const { network: id, ...wanted } = request.body(attach);
    const network = networkRecords(cloud.store).get(id);
    if (network === undefined) {
      throw notFound("network", id);
    }
    if (networkOfBalancer(cloud.store, balancer.id) !== undefined) {
      throw new ApiError("load_balancer_already_attached", "load balancer is already attached to a network");
    }
    const member = admit(
      cloud,
      network,
      { type: "load_balancer", id: balancer.id },
      balancer.location,
      wanted,
    );
    return start(balancer, "attach_to_network", () => replaceMember(cloud, network, member, null), [
      { id, type: "network" },
    ]);
  });
  action("detach_from_network", (balancer, request) => {
    const { network: id } = request.body(z.object({ network: z.int() }));
    const network = networkRecords(cloud.store).get(id);
    const member = network && memberOf(network, "load_balancer", balancer.id);
    if (network === undefined || member === undefined) {
      throw new ApiError(
        "load_balancer_not_attached_to_network",
        `load balancer is not attached to network with ID '${id}'`,
        null,
        404,
      );
    }
    replaceMember(cloud, network, member, null);
    return start(
      balancer,
      "detach_from_network",
      () => networkRecords(cloud.store).change(network, { members: [...network.members, member] }),
      [{ id, type: "network" }],
    );
  });

  action("enable_public_interface", (balancer) => {
    const before = balancer.public_interface;
    return change(balancer, "enable_public_interface", { public_interface: true }, () => ({
      public_interface: before,
    }));
  });
  action("disable_public_interface", (balancer) => {
    if (networkOfBalancer(cloud.store, balancer.id) === undefined) {
      throw new ApiError(
        "load_balancer_not_attached_to_network",
        "load balancer is not attached to a network",
      );
    }
    if (balancer.targets.some((target) => target.type !== "ip" && !target.use_private_ip)) {
      throw new ApiError(
        "targets_without_use_private_ip",
        "load balancer has targets that use the public IP",
      );
    }
    const before = balancer.public_interface;
    return change(balancer, "disable_public_interface", { public_interface: false }, () => ({
      public_interface: before,
    }));
  });

  action("change_algorithm", (balancer, request) => {
    const { type } = request.body(z.object({ type: algorithm }));
    const before = balancer.algorithm;
    return change(balancer, "change_algorithm", { algorithm: type }, () => ({ algorithm: before }));
  });
  action("change_type", (balancer, request) => {
    const { load_balancer_type } = request.body(
      z.object({ load_balancer_type: z.union([z.int(), z.string()]) }),
    );
    const type = loadBalancerType(cloud, load_balancer_type);
    const certificates = new Set(balancer.services.flatMap(({ http }) => http?.certificates ?? []));
    if (
      balancer.services.length > type.max_services ||
      balancer.targets.length > type.max_targets ||
      certificates.size > type.max_assigned_certificates
    ) {
      throw new ApiError(
        "invalid_load_balancer_type",
        `the load balancer has more services, targets or certificates than type ${type.name} allows`,
      );
    }
    const before = balancer.load_balancer_type;
    return change(balancer, "change_load_balancer_type", { load_balancer_type: type.name }, () => ({
      load_balancer_type: before,
    }));
  });
  action("change_protection", (balancer, request) => {
    const body = request.body(z.object({ delete: z.boolean().nullish() }));
    const before = balancer.protection;
    return change(
      balancer,
      "change_protection",
      { protection: { delete: body.delete ?? before.delete } },
      () => ({ protection: before }),
    );
  });
  action("change_dns_ptr", (balancer, request) => {
    const { ip: text, dns_ptr } = request.body(pointer);
    const address = parseAddress(text);
    const ip = address && formatAddress(address);
    if (ip === undefined || (ip !== balancer.ipv4 && ip !== ipv6Of(balancer))) {
      throw invalidField("ip", `'${text}' does not belong to this resource`);
    }
    const others = balancer.dns_ptr.filter((one) => one.ip !== ip);
    records.change(balancer, { dns_ptr: dns_ptr === null ? others : [...others, { ip, dns_ptr }] });
    return cloud.actions.start({
      command: "change_dns_ptr",
      resources: [{ id: balancer.id, type: "load_balancer" }],
    });
  });
}

function serviceAt(balancer: LoadBalancerRecord, listenPort: number): BalancerServiceRecord {
  const service = balancer.services.find(({ listen_port }) => listen_port === listenPort);
  if (service === undefined) {
    throw new ApiError("not_found", `load balancer has no service on port ${listenPort}`);
  }
  return service;
}

function serverOf(target: BalancerTargetRecord): ResourceRef[] {
  return target.type === "server" ? [{ id: target.server.id, type: "server" }] : [];
}
