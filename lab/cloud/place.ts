import { z } from "zod";
import type { Location } from "./catalogue.ts";
import type { Cloud } from "./context.ts";
import { refusedField } from "./errors.ts";
import { idOrName } from "./validate.ts";

/** Where to order something. Old clients name a datacenter, which only the compatibility switch understands. */
export const place = { location: idOrName.nullish(), datacenter: z.string().nullish() };

interface Place {
  location?: number | string | null | undefined;
  datacenter?: string | null | undefined;
}

/** The location an order names, or undefined when it names none; 422 when there is no such place. */
export function chosenLocation(cloud: Cloud, { location, datacenter }: Place): Location | undefined {
  if (location != null) {
    const found = cloud.catalogue().location(location);
    if (found === undefined) {
      throw refusedField("location", `location '${location}' not found`);
    }
    return found;
  }
  if (datacenter == null) {
    return undefined;
  }
  if (!cloud.legacyDatacenter) {
    throw refusedField("datacenter", "datacenter was removed from the API; use location");
  }
  const found = cloud
    .catalogue()
    .datacenters.find(({ id, name }) => name === datacenter || String(id) === datacenter);
  if (found === undefined) {
    throw refusedField("datacenter", `datacenter '${datacenter}' not found`);
  }
  return found.location;
}

/** The retired `datacenter` object beside a location, when the compatibility switch is on. */
export function legacyDatacenter(cloud: Cloud, location: string): object {
  const found = cloud.legacyDatacenter
    ? cloud.catalogue().datacenters.find((datacenter) => datacenter.location.name === location)
    : undefined;
  return found ? { datacenter: found } : {};
}
