/**
 * What the cloud sells, as plain data.
 *
 * Date: September and October 2026. Sources: Hetzner's public API description (OpenAPI, July 2026), its price list and
 * changelog of September 2026, and public recordings of API answers.
 * Not found there, and so the lab's own: the ids marked `ownId`, prices of what is retired, the prices in `ownPrices`, those of images
 * and floating IPs, and that a type costs the same everywhere.
 * Days count from the lab's clock, because clients refuse types and images whose time is over.
 */

import { datedCatalogue, type ServerType as OnSale } from "../../config/catalogue.ts";

export type Architecture = "x86" | "arm";

export interface LocationData {
  id: number;
  name: string;
  description: string;
  country: string;
  city: string;
  latitude: number;
  longitude: number;
  networkZone: string;
  /** The retired resource some old clients still read. */
  datacenter: { id: number; name: string; description: string };
}

export interface ServerTypeData {
  id: number;
  name: string;
  cores: number;
  /** GB */
  memory: number;
  /** GB */
  disk: number;
  architecture: Architecture;
  cpu: "shared" | "dedicated";
  category: string;
  /** Names of the locations that offer it. */
  locations: readonly string[];
  /** Net price a month in EUR. */
  monthly: number;
  /** Announced and taken off sale so many days ago; null while it is sold. */
  retired: { announcedDaysAgo: number; unavailableDaysAgo: number } | null;
}

export interface ImageData {
  id: number;
  /** An "app" is a system with a program on it. */
  type: "system" | "app";
  name: string;
  description: string;
  flavor: string;
  version: string;
  architecture: Architecture;
  /** GB of the smallest disk it fits on. */
  disk: number;
  created: string;
  /** Deprecated so many days ago; null for a current image. */
  deprecatedDaysAgo: number | null;
}

const { prices: listedPrices } = datedCatalogue;
export const currency = datedCatalogue.currency;
export const vatPercent = 19;
/** A month costs at most this many hours. */
export const hoursPerMonth = 624;
export const includedTrafficBytes = 20 * 1024 ** 4;
export const trafficPerTb = 1;
export const backupPercent = listedPrices.backupPercent ?? 20;
/** Net a month in EUR. */
export const addressPrices = {
  primary: { ipv4: listedPrices.ipv4.fsn1 ?? 0.5, ipv6: 0 },
  floating: { ipv4: 3, ipv6: 1 },
} as const;
/** Net a month and GB in EUR. */
export const storagePrices = { image: 0.011, volume: listedPrices.volumePerGb ?? 0.0572 } as const;

export const locations: readonly LocationData[] = [
  {
    id: 1,
    name: "fsn1",
    description: "Falkenstein DC Park 1",
    country: "DE",
    city: "Falkenstein",
    latitude: 50.47612,
    longitude: 12.370071,
    networkZone: "eu-central",
    datacenter: { id: 4, name: "fsn1-dc14", description: "Falkenstein 1 virtual DC 14" },
  },
  {
    id: 2,
    name: "nbg1",
    description: "Nuremberg DC Park 1",
    country: "DE",
    city: "Nuremberg",
    latitude: 49.452102,
    longitude: 11.076665,
    networkZone: "eu-central",
    datacenter: { id: 2, name: "nbg1-dc3", description: "Nuremberg 1 virtual DC 3" },
  },
  {
    id: 3,
    name: "hel1",
    description: "Helsinki DC Park 1",
    country: "FI",
    city: "Helsinki",
    latitude: 60.169855,
    longitude: 24.938379,
    networkZone: "eu-central",
    datacenter: { id: 3, name: "hel1-dc2", description: "Helsinki 1 virtual DC 2" },
  },
  {
    id: 4,
    name: "ash",
    description: "Ashburn, VA",
    country: "US",
    city: "Ashburn, VA",
    latitude: 39.045821,
    longitude: -77.487073,
    networkZone: "us-east",
    datacenter: { id: 5, name: "ash-dc1", description: "Ashburn virtual DC 1" },
  },
  {
    id: 5,
    name: "hil",
    description: "Hillsboro, OR",
    country: "US",
    city: "Hillsboro, OR",
    latitude: 45.54222,
    longitude: -122.951924,
    networkZone: "us-west",
    datacenter: { id: 6, name: "hil-dc1", description: "Hillsboro virtual DC 1" },
  },
  {
    id: 6,
    name: "sin",
    description: "Singapore",
    country: "SG",
    city: "Singapore",
    latitude: 1.283333,
    longitude: 103.833333,
    networkZone: "ap-southeast",
    datacenter: { id: 7, name: "sin-dc1", description: "Singapore virtual DC 1" },
  },
];

/** Ids of what is on sale; sizes, prices and places are the product's own list. */
const idsOnSale: Readonly<Record<string, number>> = {
  cx23: 114,
  cx33: 115,
  cx43: 116,
  cx53: 117,
  cpx12: 108,
  cpx22: 109,
  cpx32: 110,
  cpx42: 111,
  cpx52: 112,
  cpx62: 113,
  cax11: 45,
  cax21: 93,
  cax31: 94,
  cax41: 95,
  ccx13: 96,
  ccx23: 97,
  ccx33: 98,
  ccx43: 99,
  ccx53: 100,
  ccx63: 101,
};

/** Of types whose price is not public. */
const ownPrices: Readonly<Record<string, number>> = {
  cpx12: 10.99,
  cax21: 9.99,
  cax31: 18.99,
  cax41: 36.99,
  ccx53: 549.99,
  ccx63: 824.99,
};

function onSale(type: OnSale): ServerTypeData {
  const { name, cores, memory, disk, cpu } = type;
  const id = idsOnSale[name];
  if (id === undefined) throw new Error(`no id for server type ${name}`);
  const regular = name.startsWith("cpx");
  return {
    id,
    name,
    cores,
    memory,
    disk,
    architecture: type.architecture === "aarch64-linux" ? "arm" : "x86",
    cpu,
    category: cpu === "dedicated" ? "General Purpose" : regular ? "Regular Performance" : "Cost Optimized",
    locations: Object.keys(type.locations),
    monthly: ownPrices[name] ?? listedPrice(type),
    retired: null,
  };
}

function listedPrice({ name, locations }: OnSale): number {
  const price = Object.values(locations).find(({ monthly }) => monthly !== undefined)?.monthly;
  if (price === undefined) throw new Error(`no price for server type ${name}`);
  return price;
}

type Row = readonly [id: number, name: string, cores: number, memory: number, disk: number, monthly: number];

const longGone = (category: string, rows: readonly Row[]): ServerTypeData[] =>
  rows.map(([id, name, cores, memory, disk, monthly]) => ({
    id,
    name,
    cores,
    memory,
    disk,
    monthly,
    architecture: "x86",
    cpu: "shared",
    category,
    locations: ["fsn1", "nbg1", "hel1"],
    retired: { announcedDaysAgo: 400, unavailableDaysAgo: 300 },
  }));

const regularlyGone = longGone("Regular Performance", [
  [22, "cpx11", 2, 2, 40, 4.35],
  [23, "cpx21", 3, 4, 80, 7.55],
  [24, "cpx31", 4, 8, 160, 13.1],
  [25, "cpx41", 8, 16, 240, 24.7],
  [26, "cpx51", 16, 32, 360, 54.4],
]);

export const serverTypes: readonly ServerTypeData[] = [
  // In the lab this line has left its last locations.
  ...datedCatalogue.serverTypes
    .filter(({ name }) => !regularlyGone.some((gone) => gone.name === name))
    .map(onSale),
  ...regularlyGone,
  ...longGone("Cost Optimized", [
    [104, "cx22", 2, 4, 40, 3.79],
    [105, "cx32", 4, 8, 80, 6.8],
  ]),
];

type ImageRow = readonly [
  name: string,
  description: string,
  created: string,
  x86: number,
  arm: number,
  deprecatedDaysAgo: number | null,
];

/** Ids from here on are the lab's own. */
const ownId = 900_000_000;

const imageRows: readonly ImageRow[] = [
  ["debian-13", "Debian 13", "2025-08-11T08:00:00+00:00", ownId + 1, ownId + 2, null],
  ["debian-12", "Debian 12", "2023-06-13T06:00:00+00:00", 114690387, 114690389, null],
  ["ubuntu-26.04", "Ubuntu 26.04", "2026-04-24T06:00:00+00:00", 387894169, ownId + 3, null],
  ["ubuntu-24.04", "Ubuntu 24.04", "2024-04-25T13:00:00+00:00", 161547269, 161547270, null],
  ["ubuntu-22.04", "Ubuntu 22.04", "2022-04-21T13:00:00+00:00", 67794396, ownId + 4, null],
  ["rocky-9", "Rocky Linux 9", "2022-07-20T09:00:00+00:00", ownId + 5, ownId + 6, null],
  ["alma-10", "AlmaLinux 10", "2025-06-03T09:00:00+00:00", ownId + 7, ownId + 8, null],
  ["fedora-41", "Fedora 41", "2024-10-30T09:00:00+00:00", 199030328, 199030407, 200],
  ["debian-11", "Debian 11", "2021-08-16T11:00:00+00:00", ownId + 9, ownId + 10, 400],
];

/** Ready-made programs, on the system that Hetzner lays under them. */
const appRows: readonly ImageRow[] = [
  ["docker-ce", "Docker CE", "2024-05-07T06:00:00+00:00", ownId + 11, ownId + 12, null],
];
const appSystem = "ubuntu-24.04";

export const images: readonly ImageData[] = [
  ...imageRows.flatMap((row) => imagesOf("system", row[0], row)),
  ...appRows.flatMap((row) => imagesOf("app", appSystem, row)),
];

function imagesOf(
  type: ImageData["type"],
  system: string,
  [name, description, created, x86, arm, deprecatedDaysAgo]: ImageRow,
): ImageData[] {
  const [flavor = "", version = ""] = system.split("-");
  const common = { type, name, description, flavor, version, disk: 5, created, deprecatedDaysAgo };
  return [
    { ...common, id: x86, architecture: "x86" as const },
    { ...common, id: arm, architecture: "arm" as const },
  ];
}
