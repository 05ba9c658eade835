import { createHash } from "node:crypto";
import { z } from "zod";
import type { AddRoute, ApiRequest } from "./api.ts";
import { type AppRecord, FlyApiError, newId } from "./records.ts";
import type { World } from "./simulator.ts";

/** The app of a request; 404 where the name is free, 403 where it is another organisation's. */
export function appOf(world: World, request: ApiRequest): AppRecord {
  const name = request.param("app");
  if (world.foreign.has(name)) throw new FlyApiError(403, "you are not authorized to access this app");
  const app = world.apps.get(name);
  if (!app) throw new FlyApiError(404, "app not found");
  return app;
}

const digestOf = (value: string): string => createHash("sha256").update(value).digest("hex").slice(0, 16);

/** Routes of apps and of what belongs to them beside machines. */
export function appRoutes(world: World, add: AddRoute): void {
  add("POST", "/apps", (request) => {
    const { name, org_slug } = request.body(z.looseObject({ name: z.string(), org_slug: z.string() }));
    if (!world.organizations.has(org_slug)) throw new FlyApiError(404, "organization not found");
    if (world.foreign.has(name) || world.apps.has(name))
      throw new FlyApiError(422, "Validation failed: Name has already been taken", "name_taken");
    world.apps.set(name, {
      name,
      organization: org_slug,
      machines: new Map(),
      secrets: new Map(),
      secretsVersion: 0,
      volumes: new Map(),
      addresses: [],
      certificates: new Set(),
    });
    return { id: newId(6), created_at: Date.now() };
  });

  add("GET", "/apps/:app", (request) => {
    const app = appOf(world, request);
    const status = app.machines.size > 0 ? "deployed" : "pending";
    return {
      id: newId(6),
      name: app.name,
      status,
      organization: { name: app.organization, slug: app.organization },
    };
  });

  add("DELETE", "/apps/:app", async (request) => {
    const app = appOf(world, request);
    for (const machine of app.machines.values()) await world.machines.destroy(app, machine, true);
    world.apps.delete(app.name);
    return undefined;
  });

  secretRoutes(world, add);
  volumeRoutes(world, add);
  addressRoutes(world, add);
  certificateRoutes(world, add);
}

function secretRoutes(world: World, add: AddRoute): void {
  const view = (app: AppRecord) => ({
    secrets: [...app.secrets].map(([name, value]) => ({ name, digest: digestOf(value) })),
    version: app.secretsVersion,
  });
  add("GET", "/apps/:app/secrets", (request) => view(appOf(world, request)));
  add("POST", "/apps/:app/secrets", (request) => {
    const app = appOf(world, request);
    const { values } = request.body(z.looseObject({ values: z.record(z.string(), z.string().nullable()) }));
    for (const [name, value] of Object.entries(values)) {
      if (value === null) app.secrets.delete(name);
      else app.secrets.set(name, value);
    }
    app.secretsVersion++;
    return view(app);
  });
}

function volumeRoutes(world: World, add: AddRoute): void {
  const view = (volume: AppRecord["volumes"] extends Map<string, infer V> ? V : never) => ({
    id: volume.id,
    name: volume.name,
    region: volume.region,
    size_gb: volume.sizeGb,
    state: "created",
    attached_machine_id: volume.attachedTo ?? null,
  });
  add("GET", "/apps/:app/volumes", (request) => [...appOf(world, request).volumes.values()].map(view));
  add("POST", "/apps/:app/volumes", (request) => {
    const app = appOf(world, request);
    const { name, region, size_gb } = request.body(
      z.looseObject({
        name: z.string().regex(/^[a-z0-9_]{1,30}$/),
        region: z.string(),
        size_gb: z.int().min(1),
      }),
    );
    const volume = { id: `vol_${newId(8)}`, name, region, sizeGb: size_gb, attachedTo: undefined };
    app.volumes.set(volume.id, volume);
    return view(volume);
  });
}

function addressRoutes(world: World, add: AddRoute): void {
  const view = ({ ip, region, shared }: AppRecord["addresses"][number]) => ({ ip, region, shared });
  add("GET", "/apps/:app/ip_assignments", (request) => ({ ips: appOf(world, request).addresses.map(view) }));
  add("POST", "/apps/:app/ip_assignments", (request) => {
    const app = appOf(world, request);
    const { type } = request.body(z.looseObject({ type: z.enum(["v6", "v4", "shared_v4", "private_v6"]) }));
    const last = app.addresses.length + 1;
    const ip = {
      v6: `2a09:8280:1::${last}`,
      private_v6: `fdaa:0:1::${last}`,
      v4: `137.66.0.${last}`,
      shared_v4: "66.241.124.1",
    };
    const address = { ip: ip[type], region: "global", shared: type === "shared_v4", type };
    app.addresses.push(address);
    return view(address);
  });
  add("DELETE", "/apps/:app/ip_assignments/:ip", (request) => {
    const app = appOf(world, request);
    const ip = decodeURIComponent(request.param("ip"));
    if (!app.addresses.some((one) => one.ip === ip)) throw new FlyApiError(404, "ip address not found");
    app.addresses = app.addresses.filter((one) => one.ip !== ip);
    return undefined;
  });
}

function certificateRoutes(world: World, add: AddRoute): void {
  add("POST", "/apps/:app/certificates/acme", (request) => {
    const app = appOf(world, request);
    const { hostname } = request.body(z.looseObject({ hostname: z.string() }));
    if (!/^(\*\.)?([a-z0-9-]+\.)+[a-z]+$/.test(hostname)) throw new FlyApiError(422, "hostname is invalid");
    app.certificates.add(hostname);
    return { hostname, configured: false, status: "pending_validation" };
  });
  const known = (request: ApiRequest): { app: AppRecord; name: string } => {
    const app = appOf(world, request);
    const name = decodeURIComponent(request.param("host"));
    if (!app.certificates.has(name)) throw new FlyApiError(404, "certificate not found");
    return { app, name };
  };
  add("GET", "/apps/:app/certificates/:host", (request) => ({
    hostname: known(request).name,
    configured: true,
    status: "active",
  }));
  add("DELETE", "/apps/:app/certificates/:host", (request) => {
    const { app, name } = known(request);
    app.certificates.delete(name);
    return undefined;
  });
}
