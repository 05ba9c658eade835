import { z } from "zod";
import type { Architecture, Catalogue, Offer } from "../../config/catalogue.ts";
import type { HetznerApi } from "./api.ts";

const amount = z.object({ net: z.string() });
const prices = z.array(z.object({ location: z.string(), price_monthly: amount }));
const deprecation = z.object({ unavailable_after: z.string() }).nullish();
/** Hetzner's word for an architecture, as the Nix system that runs on it. */
export const architecture = z
  .enum(["x86", "arm"])
  .transform((name): Architecture => (name === "arm" ? "aarch64-linux" : "x86_64-linux"));

const serverType = z.object({
  name: z.string(),
  cores: z.int(),
  memory: z.number(),
  disk: z.number(),
  cpu_type: z.enum(["shared", "dedicated"]),
  architecture,
  prices,
  deprecation,
  locations: z.array(z.object({ name: z.string(), available: z.boolean(), deprecation })),
});
const location = z.object({ name: z.string(), network_zone: z.string() });
const image = z.object({
  name: z.string().nullable(),
  architecture,
  disk_size: z.number(),
  deprecated: z.string().nullable(),
});
const loadBalancerType = z.object({
  name: z.string(),
  max_services: z.int(),
  max_targets: z.int(),
  max_assigned_certificates: z.int(),
  prices,
  deprecation,
});
const pricing = z.object({
  pricing: z.object({
    currency: z.string(),
    primary_ips: z.array(z.object({ type: z.string(), prices })),
    server_backup: z.object({ percentage: z.string() }),
    volume: z.object({ price_per_gb_month: amount }),
  }),
});

/** What Hetzner sells now. */
export async function readCatalogue(api: HetznerApi, endpoint: string, now: Date): Promise<Catalogue> {
  const [types, locations, images, balancers, { pricing: costs }] = await Promise.all([
    api.list("/server_types", "server_types", serverType),
    api.list("/locations", "locations", location),
    api.list("/images?type=system&status=available&include_deprecated=true", "images", image),
    api.list("/load_balancer_types", "load_balancer_types", loadBalancerType),
    api.get("/pricing", pricing),
  ]);
  return {
    source: `Hetzner's API (${new URL(endpoint).host})`,
    date: now.toISOString(),
    currency: costs.currency,
    prices: {
      ipv4: Object.fromEntries(
        costs.primary_ips
          .filter(({ type }) => type === "ipv4")
          .flatMap((address) => address.prices)
          .map((price) => [price.location, Number(price.price_monthly.net)]),
      ),
      volumePerGb: Number(costs.volume.price_per_gb_month.net),
      backupPercent: Number(costs.server_backup.percentage),
    },
    locations: locations.map(({ name, network_zone }) => ({ name, networkZone: network_zone })),
    serverTypes: types.map(({ cpu_type, prices: costs, deprecation: ends, locations: sold, ...type }) => ({
      name: type.name,
      architecture: type.architecture,
      cores: type.cores,
      memory: type.memory,
      disk: type.disk,
      cpu: cpu_type,
      locations: Object.fromEntries(
        sold.map((one) => [
          one.name,
          offer(
            costs,
            one.name,
            one.available,
            earlier(ends?.unavailable_after, one.deprecation?.unavailable_after),
          ),
        ]),
      ),
    })),
    images: images.flatMap(({ name, architecture: runsOn, disk_size, deprecated }) =>
      name === null
        ? []
        : [{ name, architecture: runsOn, disk: disk_size, ...(deprecated === null ? {} : { deprecated }) }],
    ),
    loadBalancerTypes: balancers.map((type) => ({
      name: type.name,
      maxServices: type.max_services,
      maxTargets: type.max_targets,
      maxCertificates: type.max_assigned_certificates,
      ...(type.deprecation ? { endsAt: type.deprecation.unavailable_after } : {}),
      locations: Object.fromEntries(
        type.prices.map((one) => [one.location, offer(type.prices, one.location, true)]),
      ),
    })),
  };
}

function offer(
  costs: z.output<typeof prices>,
  where: string,
  available: boolean,
  endsAt?: string | undefined,
): Offer {
  const net = costs.find((price) => price.location === where)?.price_monthly.net;
  return {
    ...(net === undefined ? {} : { monthly: Number(net) }),
    available,
    ...(endsAt === undefined ? {} : { endsAt }),
  };
}

const earlier = (...times: (string | undefined)[]): string | undefined =>
  times.filter((time) => time !== undefined).sort((a, b) => Date.parse(a) - Date.parse(b))[0];
