import { z } from "zod";
import listed from "./catalogue/2026-09.json" with { type: "json" };

/**
 * What Hetzner Cloud sells and for how much: from the API where a token is set (`deployer/hetzner/`), else from a dated list.
 * Prices are net, a month. What is not known is left out: a price that is absent is unknown, not zero.
 */

const price = z.number().nonnegative();
const day = z.string();

/** How something is sold in one location. */
const offer = z.object({
  monthly: price.optional(),
  /** False where it is sold out or not sold any more. */
  available: z.boolean().default(true),
  /** When its end was announced; only while it has one. */
  endsAt: day.optional(),
});

const offers = z.record(z.string(), offer);
const architecture = z.enum(["x86_64-linux", "aarch64-linux"]);

const serverType = z.object({
  name: z.string(),
  architecture,
  cores: z.int(),
  /** GB */
  memory: z.number(),
  /** GB */
  disk: z.number(),
  cpu: z.enum(["shared", "dedicated"]),
  /** By the location's name. */
  locations: offers,
});

const image = z.object({
  name: z.string(),
  architecture,
  /** GB of the smallest disk it fits on. */
  disk: z.number(),
  /** When it was deprecated. Three months later it cannot be ordered any more. */
  deprecated: day.optional(),
});

const loadBalancerType = z.object({
  name: z.string(),
  maxServices: z.int(),
  maxTargets: z.int(),
  maxCertificates: z.int(),
  /** When it stops being sold. */
  endsAt: day.optional(),
  /** By the location's name. */
  locations: offers,
});

export const catalogue = z.object({
  /** Where it is from, as people read it. */
  source: z.string(),
  /** When it was true: a month, e.g. "2026-09", or a time. */
  date: z.string(),
  /** Of all prices, e.g. "EUR". */
  currency: z.string(),
  prices: z.object({
    /** A public IPv4 address by the location's name. IPv6 is free. */
    ipv4: z.record(z.string(), price),
    /** A GB of a volume. */
    volumePerGb: price.optional(),
    /** Of the server's price. */
    backupPercent: price.optional(),
  }),
  locations: z.array(z.object({ name: z.string(), networkZone: z.string() })),
  serverTypes: z.array(serverType),
  images: z.array(image),
  loadBalancerTypes: z.array(loadBalancerType),
});

export type Catalogue = z.infer<typeof catalogue>;
export type Offer = z.infer<typeof offer>;
export type ServerType = z.infer<typeof serverType>;
export type Image = z.infer<typeof image>;
export type LoadBalancerType = z.infer<typeof loadBalancerType>;
export type Architecture = z.infer<typeof architecture>;

/**
 * The list that comes with Berth. Types, sizes and locations: Hetzner's public API description and changelog. Prices: its adjustments
 * of April 2026 (load balancers, volumes) and of 15 June 2026 (servers) for Germany and Finland; those of other locations are not in it.
 */
export const datedCatalogue: Catalogue = catalogue.parse(listed);

/** A price to the cent. */
export const toCents = (amount: number): number => Math.round(amount * 100) / 100;
