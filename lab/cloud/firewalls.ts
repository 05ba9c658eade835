import { z } from "zod";
import type { Action } from "./actions.ts";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notUnique } from "./errors.ts";
import { rules } from "./firewall-rules.ts";
import { firewallsOf, hits } from "./firewall-sync.ts";
import type { Api, ApiRequest } from "./http.ts";
import { parseSelector } from "./labels.ts";
import { ensureWithinLimit } from "./limits.ts";
import {
  type FirewallRecord,
  type FirewallTarget,
  firewallRecords,
  type ServerRecord,
  serverRecords,
} from "./records.ts";
import { freeName, labels } from "./validate.ts";

const maxFirewallsPerServer = 5;

const target = z
  .object({
    type: z.enum(["server", "label_selector"]),
    server: z.object({ id: z.int() }).nullish(),
    label_selector: z.object({ selector: z.string().min(1) }).nullish(),
  })
  .transform((value, context): FirewallTarget => {
    if (value.type === "server" && value.server) {
      return { type: "server", server: value.server };
    }
    if (value.type === "label_selector" && value.label_selector) {
      return { type: "label_selector", label_selector: value.label_selector };
    }
    context.addIssue({ code: "custom", path: [value.type], message: "is required" });
    return z.NEVER;
  });

const targets = z
  .array(target)
  .nullish()
  .transform((list) => list ?? []);

const create = z.object({ name: freeName, labels: labels.nullish(), rules, apply_to: targets });
const update = z.object({ name: freeName.nullish(), labels: labels.nullish() });

export function serveFirewalls(api: Api, cloud: Cloud): void {
  const records = firewallRecords(cloud.store);
  const resource: Resource<FirewallRecord> = {
    many: "firewalls",
    one: "firewall",
    what: "firewall",
    records,
    sortable: ["id", "name", "created"],
    filters: { name: byName },
    view: (firewall) => view(cloud, firewall),
  };
  const ensureFreeName = (name: string, own?: FirewallRecord) => {
    if (records.all().some((firewall) => firewall !== own && firewall.name === name)) {
      throw notUnique("name", "firewall name is already used");
    }
  };

  serveReads(api, cloud, resource);
  api.post("/firewalls", async (request) => {
    const body = request.body(create);
    ensureFreeName(body.name);
    const wanted = body.apply_to;
    ensureApplicable(cloud, undefined, wanted, 422);
    ensureWithinLimit(cloud, { firewalls: 1 });
    const firewall = records.add({
      name: body.name,
      labels: body.labels ?? {},
      rules: body.rules,
      applied_to: wanted,
    });
    const actions = await cloud.actions.answer(
      ...pushFor(cloud, "apply_firewall", firewall, serversOf(cloud, wanted)),
    );
    return show(resource, firewall, { actions }, 201);
  });
  api.put(`/firewalls/${idParam}`, (request) => {
    const firewall = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, firewall);
    }
    records.change(firewall, given({ name: body.name ?? undefined, labels: body.labels ?? undefined }));
    return show(resource, firewall);
  });
  api.delete(`/firewalls/${idParam}`, (request) => {
    const firewall = find(resource, request);
    if (firewall.applied_to.length > 0) {
      throw new ApiError("resource_in_use", `firewall with ID '${firewall.id}' is still in use`);
    }
    records.remove(firewall);
    return { status: 204 };
  });

  const action = (name: string, act: (firewall: FirewallRecord, request: ApiRequest) => Action[]) =>
    api.post(`/firewalls/${idParam}/actions/${name}`, async (request) => {
      const actions = act(find(resource, request), request);
      return { status: 201, body: { actions: await cloud.actions.answer(...actions) } };
    });

  action("set_rules", (firewall, request) => {
    records.change(firewall, { rules: request.body(z.object({ rules })).rules });
    const changed = cloud.actions.start({
      command: "set_firewall_rules",
      resources: [{ id: firewall.id, type: "firewall" }],
      work: () => cloud.firewalls.push(),
    });
    return [changed, ...pushFor(cloud, "apply_firewall", firewall, serversOf(cloud, firewall.applied_to))];
  });
  action("apply_to_resources", (firewall, request) => {
    const wanted = request.body(z.object({ apply_to: targets })).apply_to;
    ensureApplicable(cloud, firewall, wanted, 404);
    records.change(firewall, { applied_to: [...firewall.applied_to, ...wanted] });
    return pushFor(cloud, "apply_firewall", firewall, serversOf(cloud, wanted));
  });
  action("remove_from_resources", (firewall, request) => {
    const unwanted = request.body(z.object({ remove_from: targets })).remove_from;
    for (const one of unwanted) {
      ensureRemovable(cloud, firewall, one);
    }
    const affected = serversOf(cloud, unwanted);
    records.change(firewall, {
      applied_to: firewall.applied_to.filter((one) => !unwanted.some((other) => same(one, other))),
    });
    return pushFor(cloud, "remove_firewall", firewall, affected);
  });
}

/** Takes a deleted server out of every firewall that names it. */
export function forgetServer(cloud: Cloud, serverId: number): void {
  const records = firewallRecords(cloud.store);
  for (const firewall of records.all()) {
    const left = firewall.applied_to.filter((one) => one.type !== "server" || one.server.id !== serverId);
    if (left.length < firewall.applied_to.length) {
      records.change(firewall, { applied_to: left });
    }
  }
}

function view(cloud: Cloud, firewall: FirewallRecord): object {
  const applied_to = firewall.applied_to.map((one) =>
    one.type === "server"
      ? one
      : {
          ...one,
          applied_to_resources: serversOf(cloud, [one]).map(({ id }) => ({ type: "server", server: { id } })),
        },
  );
  return { ...firewall, applied_to };
}

function serversOf(cloud: Cloud, wanted: FirewallTarget[]): ServerRecord[] {
  return serverRecords(cloud.store)
    .all()
    .filter((server) => wanted.some((one) => hits(one, server)));
}

/** One action per server, all waiting for the same change of the packet filter. */
function pushFor(cloud: Cloud, command: string, firewall: FirewallRecord, servers: ServerRecord[]): Action[] {
  return servers.map((server) =>
    cloud.actions.start({
      command,
      resources: [
        { id: firewall.id, type: "firewall" },
        { id: server.id, type: "server" },
      ],
      work: () => cloud.firewalls.push(),
    }),
  );
}

function ensureApplicable(
  cloud: Cloud,
  firewall: FirewallRecord | undefined,
  wanted: FirewallTarget[],
  missing: 404 | 422,
): void {
  const all = firewallRecords(cloud.store).all();
  for (const one of wanted) {
    if (one.type === "label_selector") {
      parseSelector(one.label_selector.selector, "apply_to");
    }
    if (firewall?.applied_to.some((other) => same(one, other))) {
      throw new ApiError(
        "firewall_already_applied",
        `firewall with ID '${firewall.id}' is already applied to the resource`,
      );
    }
    const server = one.type === "server" ? serverRecords(cloud.store).get(one.server.id) : undefined;
    if (one.type === "server" && server === undefined) {
      throw new ApiError(
        "firewall_resource_not_found",
        `server with ID '${one.server.id}' not found`,
        null,
        missing,
      );
    }
    if (server !== undefined && firewallsOf(server, all).length >= maxFirewallsPerServer) {
      throw new ApiError(
        "resource_limit_exceeded",
        `server with ID '${server.id}' already has ${maxFirewallsPerServer} firewalls`,
      );
    }
  }
}

function ensureRemovable(cloud: Cloud, firewall: FirewallRecord, unwanted: FirewallTarget): void {
  if (firewall.applied_to.some((one) => same(one, unwanted))) {
    return;
  }
  const server = unwanted.type === "server" ? serverRecords(cloud.store).get(unwanted.server.id) : undefined;
  if (server !== undefined && firewall.applied_to.some((one) => hits(one, server))) {
    throw new ApiError(
      "firewall_managed_by_label_selector",
      `firewall with ID '${firewall.id}' is applied to server '${server.id}' by a label selector`,
    );
  }
  throw new ApiError(
    "firewall_resource_not_found",
    `firewall with ID '${firewall.id}' is not applied to the resource`,
  );
}

function same(a: FirewallTarget, b: FirewallTarget): boolean {
  if (a.type === "server") {
    return b.type === "server" && a.server.id === b.server.id;
  }
  return b.type === "label_selector" && a.label_selector.selector === b.label_selector.selector;
}
