import * as data from "./catalogue-data.ts";
import { loadBalancerTypes } from "./load-balancer-type-data.ts";
import type { SoldOut } from "./sold-out.ts";
import { daysFrom } from "./timing.ts";

export type { Architecture } from "./catalogue-data.ts";

/** An amount of money as the API writes it. */
export interface Price {
  net: string;
  gross: string;
}

export interface Location {
  id: number;
  name: string;
  description: string;
  country: string;
  city: string;
  latitude: number;
  longitude: number;
  network_zone: string;
}

export interface Datacenter {
  id: number;
  name: string;
  description: string;
  location: Location;
  server_types: { supported: number[]; available: number[]; available_for_migration: number[] };
}

export interface Deprecation {
  announced: string;
  unavailable_after: string;
}

/** What something costs in one location. */
export interface LocationPrice {
  location: string;
  price_hourly: Price;
  price_monthly: Price;
  included_traffic: number;
  price_per_tb_traffic: Price;
}

export interface LoadBalancerType {
  id: number;
  name: string;
  description: string;
  max_connections: number;
  max_services: number;
  max_targets: number;
  max_assigned_certificates: number;
  prices: LocationPrice[];
  deprecated: string | null;
  deprecation: Deprecation | null;
}

export interface ServerType {
  id: number;
  name: string;
  description: string;
  category: string;
  cores: number;
  memory: number;
  disk: number;
  storage_type: "local";
  cpu_type: "shared" | "dedicated";
  architecture: data.Architecture;
  prices: LocationPrice[];
  deprecated: boolean;
  deprecation: Deprecation | null;
  locations: {
    id: number;
    name: string;
    deprecation: Deprecation | null;
    available: boolean;
    recommended: boolean;
  }[];
}

export interface Image {
  id: number;
  status: "available";
  type: "system" | "app";
  name: string;
  description: string;
  image_size: number | null;
  disk_size: number;
  created: string;
  created_from: null;
  bound_to: null;
  os_flavor: string;
  os_version: string;
  architecture: data.Architecture;
  rapid_deploy: boolean;
  protection: { delete: boolean };
  deprecated: string | null;
  deleted: null;
  labels: Record<string, string>;
}

/** The catalogue as the API shows it at one moment. */
export class Catalogue {
  readonly locations: readonly Location[];
  readonly serverTypes: readonly ServerType[];
  readonly images: readonly Image[];
  readonly loadBalancerTypes: readonly LoadBalancerType[];
  readonly #soldOut: readonly SoldOut[];

  /** @param soldOut what is not to be had for now */
  constructor(now: Date, soldOut: readonly SoldOut[] = []) {
    const daysAgo = (days: number) => daysFrom(now, -days);
    this.#soldOut = soldOut;
    this.locations = data.locations.map(({ networkZone, datacenter: _, ...location }) => ({
      ...location,
      network_zone: networkZone,
    }));
    this.serverTypes = data.serverTypes.map((type) => this.#serverType(type, daysAgo));
    this.images = data.images.map((image) => imageOf(image, daysAgo));
    this.loadBalancerTypes = loadBalancerTypes.map((type) => this.#loadBalancerType(type));
  }

  location(idOrName: number | string): Location | undefined {
    return pick(this.locations, idOrName);
  }

  serverType(idOrName: number | string): ServerType | undefined {
    return pick(this.serverTypes, idOrName);
  }

  loadBalancerType(idOrName: number | string): LoadBalancerType | undefined {
    return pick(this.loadBalancerTypes, idOrName);
  }

  /** Whether a type that is offered there cannot be had for now. */
  isSoldOut(type: string, location: string): boolean {
    return this.#soldOut.some((one) => one.server_type === type && one.location === location);
  }

  /** By id, or by name for one architecture. */
  image(idOrName: number | string, architecture: data.Architecture): Image | undefined {
    return (
      this.images.find(({ id }) => String(id) === String(idOrName)) ??
      this.images.find((image) => image.name === idOrName && image.architecture === architecture)
    );
  }

  /** The retired resource that old clients still read. */
  get datacenters(): Datacenter[] {
    return this.locations.flatMap((location) => {
      const retired = data.locations.find(({ id }) => id === location.id)?.datacenter;
      const sold = this.serverTypes
        .filter((type) => type.locations.some(({ id, available }) => id === location.id && available))
        .map(({ id }) => id);
      const server_types = { supported: sold, available: sold, available_for_migration: sold };
      return retired ? [{ ...retired, location, server_types }] : [];
    });
  }

  pricing(): object {
    const perLocation = (monthly: number) =>
      this.locations.map(({ name }) => ({
        location: name,
        price_hourly: hourly(monthly),
        price_monthly: price(monthly),
      }));
    const addresses = (prices: { ipv4: number; ipv6: number }) =>
      (["ipv4", "ipv6"] as const).map((type) => ({ type, prices: perLocation(prices[type]) }));
    return {
      currency: data.currency,
      vat_rate: data.vatPercent.toFixed(2),
      image: { price_per_gb_month: price(data.storagePrices.image) },
      floating_ip: { price_monthly: price(data.addressPrices.floating.ipv4) },
      // Never shorter than primary_ips: hcloud-go sizes one slice by the other.
      floating_ips: addresses(data.addressPrices.floating),
      primary_ips: addresses(data.addressPrices.primary),
      traffic: { price_per_tb: price(data.trafficPerTb) },
      server_backup: { percentage: data.backupPercent.toFixed(2) },
      server_types: this.serverTypes.map(({ id, name, prices }) => ({ id, name, prices })),
      load_balancer_types: this.loadBalancerTypes.map(({ id, name, prices }) => ({ id, name, prices })),
      volume: { price_per_gb_month: price(data.storagePrices.volume) },
    };
  }

  #loadBalancerType(type: (typeof loadBalancerTypes)[number]): LoadBalancerType {
    return {
      id: type.id,
      name: type.name,
      description: type.name.toUpperCase(),
      max_connections: type.maxConnections,
      max_services: type.maxServices,
      max_targets: type.maxTargets,
      max_assigned_certificates: type.maxCertificates,
      prices: this.locations.map(({ name }) => locationPrice(name, type.monthly)),
      deprecated: null,
      deprecation: null,
    };
  }

  #serverType(type: data.ServerTypeData, daysAgo: (days: number) => string): ServerType {
    const deprecation = type.retired && {
      announced: daysAgo(type.retired.announcedDaysAgo),
      unavailable_after: daysAgo(type.retired.unavailableDaysAgo),
    };
    return {
      id: type.id,
      name: type.name,
      description: type.name.toUpperCase(),
      category: type.category,
      cores: type.cores,
      memory: type.memory,
      disk: type.disk,
      storage_type: "local",
      cpu_type: type.cpu,
      architecture: type.architecture,
      prices: type.locations.map((location) => locationPrice(location, type.monthly)),
      deprecated: deprecation !== null,
      deprecation,
      locations: this.locations
        .filter(({ name }) => type.locations.includes(name))
        .map(({ id, name }) => ({
          id,
          name,
          deprecation,
          available: deprecation === null && !this.isSoldOut(type.name, name),
          recommended: deprecation === null,
        })),
    };
  }
}

function locationPrice(location: string, monthly: number): LocationPrice {
  return {
    location,
    price_hourly: hourly(monthly),
    price_monthly: price(monthly),
    included_traffic: data.includedTrafficBytes,
    price_per_tb_traffic: price(data.trafficPerTb),
  };
}

function imageOf(image: data.ImageData, daysAgo: (days: number) => string): Image {
  return {
    id: image.id,
    status: "available",
    type: image.type,
    name: image.name,
    description: image.description,
    image_size: null,
    disk_size: image.disk,
    created: image.created,
    created_from: null,
    bound_to: null,
    os_flavor: image.flavor,
    os_version: image.version,
    architecture: image.architecture,
    rapid_deploy: true,
    protection: { delete: false },
    deprecated: image.deprecatedDaysAgo === null ? null : daysAgo(image.deprecatedDaysAgo),
    deleted: null,
    labels: {},
  };
}

function pick<T extends { id: number; name: string }>(
  items: readonly T[],
  idOrName: number | string,
): T | undefined {
  return items.find(({ id, name }) => name === idOrName || String(id) === String(idOrName));
}

function hourly(monthly: number): Price {
  return price(Number((monthly / data.hoursPerMonth).toFixed(4)));
}

/** Ten and sixteen decimals, as the API writes them; the amounts themselves have at most six. */
function price(net: number): Price {
  const gross = (net * (100 + data.vatPercent)) / 100;
  return { net: `${net.toFixed(6)}0000`, gross: `${gross.toFixed(6)}0000000000` };
}
