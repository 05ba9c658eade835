import { createHash } from "node:crypto";
import type { ServiceSpec } from "../../config/container-spec.ts";

/** Twelve digits that tell an image from others. */
export const shortId = (id: string): string => id.replace("sha256:", "").slice(0, 12);

/** The name an image has on the host. It ends when nothing of the service wants it any more. */
export const localTag = (service: string, id: string): string => `berth/${service}:id-${shortId(id)}`;

/**
 * Eight digits of everything a container is made with but its image. What only says how it is released (deadlines, drain, how many images
 * are kept) is no part of it. Secrets are: another value is another container.
 */
export function configHash(spec: ServiceSpec): string {
  const { healthDeadline: _, drain: __, keep: ___, ...made } = spec;
  return createHash("sha256")
    .update(JSON.stringify(sorted(made)))
    .digest("hex")
    .slice(0, 8);
}

/** "<service>-<image>-<config>": the same wanted thing has the same name. */
export const containerName = (spec: ServiceSpec, imageId: string): string =>
  `${spec.name}-${shortId(imageId)}-${configHash(spec)}`;

/** The same value with its keys in order, so that who wrote it does not matter. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** Where local ports of containers begin, and how many there are; below what kernels hand out. */
const localPorts = { first: 20_000, count: 10_000 };

/**
 * A port on 127.0.0.1 for each published port of a container: from its name, so that it is the same after a crash of the deployer, and none of
 * `taken`. They stay the same for as long as the container is there, which a port that Docker chooses does not.
 */
export function chooseLocalPorts(container: string, ports: number, taken: ReadonlySet<number>): number[] {
  const start = createHash("sha256").update(container).digest().readUInt32BE(0) % localPorts.count;
  const chosen: number[] = [];
  for (let step = 0; chosen.length < ports && step < localPorts.count; step++) {
    const port = localPorts.first + ((start + step) % localPorts.count);
    if (!taken.has(port)) chosen.push(port);
  }
  return chosen;
}
