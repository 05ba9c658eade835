/**
 * Server types that can be ordered at Hetzner Cloud, as of September 2026 (its public price list): enough to refuse a typing
 * error and to tell a price before anything is ordered. Net EUR a month, without IPv4.
 */
export interface ServerType {
  name: string;
  architecture: "x86_64-linux" | "aarch64-linux";
  cores: number;
  /** GB */
  memory: number;
  /** GB */
  disk: number;
  /** Net EUR a month. */
  monthly: number;
  locations: readonly string[];
}

/** The day the table was made. */
export const catalogueDate = "2026-09";
/** Net EUR a month of a primary IPv4 address. IPv6 is free. */
export const ipv4Monthly = 0.5;

const europe = ["fsn1", "nbg1", "hel1"];
export const locations = [...europe, "ash", "hil", "sin"] as const;

const rows = (
  architecture: ServerType["architecture"],
  where: readonly string[],
  types: readonly (readonly [string, number, number, number, number])[],
): ServerType[] =>
  types.map(([name, cores, memory, disk, monthly]) => ({
    name,
    architecture,
    cores,
    memory,
    disk,
    monthly,
    locations: where,
  }));

export const serverTypes: readonly ServerType[] = [
  ...rows("x86_64-linux", europe, [
    ["cx23", 2, 4, 40, 5.49],
    ["cx33", 4, 8, 80, 8.49],
    ["cx43", 8, 16, 160, 15.99],
    ["cx53", 16, 32, 320, 29.49],
  ]),
  ...rows(
    "x86_64-linux",
    [...europe, "sin"],
    [
      ["cpx22", 2, 4, 80, 19.49],
      ["cpx32", 4, 8, 160, 35.49],
      ["cpx42", 8, 16, 320, 69.49],
      ["cpx52", 12, 24, 480, 100.49],
      ["cpx62", 16, 32, 640, 129.99],
    ],
  ),
  ...rows("aarch64-linux", europe, [["cax11", 2, 4, 40, 5.99]]),
  ...rows("x86_64-linux", locations, [
    ["ccx13", 2, 8, 80, 42.99],
    ["ccx23", 4, 16, 160, 85.99],
    ["ccx33", 8, 32, 240, 138.49],
    ["ccx43", 16, 64, 360, 275.99],
  ]),
];

export const findServerType = (name: string): ServerType | undefined =>
  serverTypes.find((type) => type.name === name);

/** A sum of prices without the dust of binary fractions. */
export const toCents = (price: number): number => Math.round(price * 100) / 100;
