/**
 * What the cloud sells, as plain data.
 *
 * Date: September and October 2026. Sources: Hetzner's public API description (OpenAPI, July 2026), its price list and
 * changelog of September 2026, and public recordings of API answers.
 * Not found there, and so the lab's own: the ids marked `ownId`, prices of what is retired, and volume, image and floating-IP prices.
 * Days count from the lab's clock, because clients refuse types and images whose time is over.
 */

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

export const currency = "EUR";
export const vatPercent = 19;
/** A month costs at most this many hours. */
export const hoursPerMonth = 624;
export const includedTrafficBytes = 20 * 1024 ** 4;
export const trafficPerTb = 1;
export const backupPercent = 20;
/** Net a month in EUR. */
export const addressPrices = {
  primary: { ipv4: 0.5, ipv6: 0 },
  floating: { ipv4: 3, ipv6: 1 },
} as const;
/** Net a month and GB in EUR. */
export const storagePrices = { image: 0.011, volume: 0.044 } as const;

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

const europe = ["fsn1", "nbg1", "hel1"] as const;
const europeAndSingapore = [...europe, "sin"] as const;
const everywhere = [...europe, "ash", "hil", "sin"] as const;

type Row = readonly [id: number, name: string, cores: number, memory: number, disk: number, monthly: number];

function series(
  common: Pick<ServerTypeData, "architecture" | "cpu" | "category" | "locations" | "retired">,
  rows: readonly Row[],
): ServerTypeData[] {
  return rows.map(([id, name, cores, memory, disk, monthly]) => ({
    id,
    name,
    cores,
    memory,
    disk,
    monthly,
    ...common,
  }));
}

const sold = { retired: null } as const;
const longGone = { retired: { announcedDaysAgo: 400, unavailableDaysAgo: 300 } } as const;

export const serverTypes: readonly ServerTypeData[] = [
  ...series({ architecture: "x86", cpu: "shared", category: "Cost Optimized", locations: europe, ...sold }, [
    [114, "cx23", 2, 4, 40, 5.49],
    [115, "cx33", 4, 8, 80, 8.49],
    [116, "cx43", 8, 16, 160, 15.99],
    [117, "cx53", 16, 32, 320, 29.49],
  ]),
  ...series(
    {
      architecture: "x86",
      cpu: "shared",
      category: "Regular Performance",
      locations: europeAndSingapore,
      ...sold,
    },
    [
      [109, "cpx22", 2, 4, 80, 19.49],
      [110, "cpx32", 4, 8, 160, 35.49],
      [111, "cpx42", 8, 16, 320, 69.49],
      [112, "cpx52", 12, 24, 480, 100.49],
      [113, "cpx62", 16, 32, 640, 129.99],
    ],
  ),
  ...series({ architecture: "arm", cpu: "shared", category: "Cost Optimized", locations: europe, ...sold }, [
    [45, "cax11", 2, 4, 40, 5.99],
  ]),
  ...series(
    { architecture: "x86", cpu: "dedicated", category: "General Purpose", locations: everywhere, ...sold },
    [
      [96, "ccx13", 2, 8, 80, 42.99],
      [97, "ccx23", 4, 16, 160, 85.99],
      [98, "ccx33", 8, 32, 240, 138.49],
      [99, "ccx43", 16, 64, 360, 275.99],
    ],
  ),
  ...series(
    { architecture: "x86", cpu: "shared", category: "Regular Performance", locations: europe, ...longGone },
    [
      [22, "cpx11", 2, 2, 40, 4.35],
      [23, "cpx21", 3, 4, 80, 7.55],
    ],
  ),
  ...series(
    { architecture: "x86", cpu: "shared", category: "Cost Optimized", locations: europe, ...longGone },
    [
      [104, "cx22", 2, 4, 40, 3.79],
      [105, "cx32", 4, 8, 80, 6.8],
    ],
  ),
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

export const images: readonly ImageData[] = imageRows.flatMap(
  ([name, description, created, x86, arm, deprecatedDaysAgo]) => {
    const [flavor = "", version = ""] = name.split("-");
    const common = { name, description, flavor, version, disk: 5, created, deprecatedDaysAgo };
    return [
      { ...common, id: x86, architecture: "x86" as const },
      { ...common, id: arm, architecture: "arm" as const },
    ];
  },
);
