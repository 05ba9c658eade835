import type { Architecture, Catalogue, Offer, ServerType } from "./catalogue.ts";

/** Whether something can be ordered: yes, sold out for now, its time is over, or never sold there. */
export type Availability = "yes" | "sold out" | "ended" | "not sold";

export function availability(offer: Offer | undefined, now: Date): Availability {
  if (!offer) return "not sold";
  if (offer.endsAt !== undefined && Date.parse(offer.endsAt) <= now.getTime()) return "ended";
  return offer.available ? "yes" : "sold out";
}

/** What a server must have at least. */
export interface Wanted {
  architecture: Architecture;
  cores: number;
  /** GB */
  memory: number;
  /** GB */
  disk: number;
  /** Where it should be. */
  location: string;
}

/** A type that can be ordered in place of another. */
export interface Alternative {
  type: string;
  location: string;
  /** Net a month; null where it is not known. */
  monthly: number | null;
}

/**
 * The types that fit and can be ordered: those of the wanted location first, then those of its network zone, then the rest; the cheapest
 * first, unknown prices last. Each type once, where it is nearest.
 */
export function alternatives(catalogue: Catalogue, wanted: Wanted, now: Date): Alternative[] {
  const zoneOf = (location: string) => catalogue.locations.find(({ name }) => name === location)?.networkZone;
  const distance = (location: string): number =>
    location === wanted.location ? 0 : zoneOf(location) === zoneOf(wanted.location) ? 1 : 2;
  const nearest = (type: ServerType): (Alternative & { away: number }) | undefined =>
    Object.entries(type.locations)
      .filter(([, offer]) => availability(offer, now) === "yes")
      .map(([location, offer]) => ({
        type: type.name,
        location,
        monthly: offer.monthly ?? null,
        away: distance(location),
      }))
      .sort((a, b) => a.away - b.away || byPrice(a, b))[0];
  return catalogue.serverTypes
    .filter(
      (type) =>
        type.architecture === wanted.architecture &&
        type.cores >= wanted.cores &&
        type.memory >= wanted.memory &&
        type.disk >= wanted.disk,
    )
    .flatMap((type) => nearest(type) ?? [])
    .sort((a, b) => a.away - b.away || byPrice(a, b))
    .map(({ away: _, ...alternative }) => alternative);
}

const byPrice = (a: Alternative, b: Alternative): number =>
  (a.monthly ?? Number.POSITIVE_INFINITY) - (b.monthly ?? Number.POSITIVE_INFINITY) || 0;

/** How many alternatives a person is told. */
const told = 5;

/** E.g. "cx33 in fsn1 at 8.49 EUR, cx43 in fsn1 at 15.99 EUR"; "nothing" when there is none. */
export function tell(offers: readonly Alternative[], currency: string): string {
  if (offers.length === 0) return "nothing";
  return offers
    .slice(0, told)
    .map(
      ({ type, location, monthly }) =>
        `${type} in ${location} ${monthly === null ? "(price unknown)" : `at ${monthly.toFixed(2)} ${currency}`}`,
    )
    .join(", ");
}
