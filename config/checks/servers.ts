import type { Catalogue, ServerType } from "../catalogue.ts";
import type { ServerConfig } from "../host.ts";
import type { HostManifest } from "../manifest.ts";
import { type Alternative, alternatives, availability, tell } from "../offers.ts";
import type { Problem } from "../problems.ts";
import type { RunningServer } from "../running.ts";
import { type Context, type Findings, hostPath, manifestPath, serverName } from "./context.ts";

/** Hetzner refuses an image so long after it was deprecated. */
const imageGraceDays = 90;
const day = 24 * 60 * 60 * 1000;

/** What a server is ordered as: type, location and image, against what is sold, what the system needs, and what runs already. */
export function checkServers(context: Context): Findings {
  const found: Findings = { problems: [], notes: [] };
  for (const { name, settings, manifest } of context.hosts) {
    const { server, system, existing } = settings;
    if (existing) {
      found.notes.push(
        `${name}: whether ${existing.address} is ${manifest.system}, as ${manifestPath(system)} needs, is checked by the installation`,
      );
    }
    if (!server) continue;
    const running = context.running?.servers.find(
      ({ name: taken, host }) => host === name || taken === serverName(context.stack, name),
    );
    const one = checkServer(context, { name, server, system, manifest, running });
    found.problems.push(...one.problems);
    found.notes.push(...one.notes);
  }
  return found;
}

interface Wanted {
  name: string;
  server: ServerConfig;
  system: string;
  manifest: HostManifest;
  running: RunningServer | undefined;
}

function checkServer(context: Context, wanted: Wanted): Findings {
  const { catalogue, now } = context;
  const { name, server, running } = wanted;
  const path = `${hostPath(name)}.server`;
  const found: Findings = { problems: [], notes: [] };
  const type = catalogue.serverTypes.find((one) => one.name === server.type);
  const fitting = alternativesFor(context, wanted, type);

  // What runs as it is wanted is not ordered, so that it may have left the shelves.
  const runs = running?.type === server.type && running.location === server.location;
  const location = catalogue.locations.find((one) => one.name === server.location);
  if (!location) {
    found.problems.push(unknownLocation(catalogue, `${path}.location`, server.location));
  } else if (!type && !runs) {
    found.problems.push(
      withExample(
        {
          path: `${path}.type`,
          message: `"${server.type}" is not a server type by ${catalogue.source}; what fits: ${tell(fitting, catalogue.currency)}`,
        },
        fitting[0]?.type,
      ),
    );
  } else if (type && !runs) {
    found.problems.push(...checkSale(context, path, server, type, fitting));
  }
  if (type) found.problems.push(...checkSize(context, path, wanted, type, fitting));
  if (type && running) found.problems.push(...checkChange(context, path, wanted, type, running, fitting));
  if (!running) {
    const image = checkImage(catalogue, path, wanted, type, now);
    found.problems.push(...image.problems);
    found.notes.push(...image.notes);
  }
  const endsAt = type?.locations[server.location]?.endsAt;
  if (endsAt !== undefined && Date.parse(endsAt) > now.getTime()) {
    found.notes.push(
      `${name}: ${server.type} in ${server.location} is sold until ${endsAt.slice(0, 10)}; what fits after: ${tell(
        fitting.filter((one) => one.type !== server.type),
        catalogue.currency,
      )}`,
    );
  }
  return found;
}

/** What fits in place of a server: at least as big as the type that was asked for and as the system needs, for the system's architecture. */
export function alternativesFor(
  { catalogue, now }: Pick<Context, "catalogue" | "now">,
  { server, manifest, running }: Pick<Wanted, "server" | "manifest" | "running">,
  type: ServerType | undefined,
): Alternative[] {
  const size = {
    architecture: manifest.system,
    cores: type?.cores ?? 0,
    memory: Math.max(type?.memory ?? 0, manifest.requires.memory ?? 0),
    disk: Math.max(type?.disk ?? 0, manifest.requires.disk ?? 0, running?.disk ?? 0),
    location: server.location,
  };
  return alternatives(catalogue, size, now);
}

function checkSale(
  { catalogue, now }: Context,
  path: string,
  server: ServerConfig,
  type: ServerType,
  fitting: readonly Alternative[],
): Problem[] {
  const state = availability(type.locations[server.location], now);
  if (state === "yes") return [];
  const where = Object.entries(type.locations)
    .filter(([, offer]) => availability(offer, now) === "yes")
    .map(([location, { monthly }]) => ({ location, monthly }));
  const priced = where.map(({ location, monthly }) =>
    monthly === undefined ? location : `${location} at ${monthly.toFixed(2)} ${catalogue.currency}`,
  );
  const elsewhere = where.length === 0 ? `${type.name} is sold nowhere` : `it is in ${priced.join(", ")}`;
  const others = fitting.filter((one) => one.type !== type.name);
  const said = {
    "not sold": `${type.name} is not sold in ${server.location}; ${elsewhere}`,
    "sold out": `${type.name} is sold out in ${server.location} for now; ${elsewhere}`,
    ended: `${type.name} is not sold any more in ${server.location}; ${elsewhere}`,
  }[state];
  const field = state === "not sold" && where.length > 0 ? "location" : "type";
  return [
    withExample(
      {
        path: `${path}.${field}`,
        message: `${said}; what else fits: ${tell(others, catalogue.currency)}`,
      },
      field === "location" ? where[0]?.location : (others[0]?.type ?? fitting[0]?.type),
    ),
  ];
}

/** Architecture, memory and disk against what the system needs. */
function checkSize(
  { catalogue }: Context,
  path: string,
  { system, manifest }: Wanted,
  type: ServerType,
  fitting: readonly Alternative[],
): Problem[] {
  const flake = manifestPath(system);
  const { disk, memory } = manifest.requires;
  const lacks = [
    ...(type.architecture === manifest.system
      ? []
      : [`is ${type.architecture}, but the flake's ${flake} is for ${manifest.system}`]),
    ...(disk === null || type.disk >= disk
      ? []
      : [`has a disk of ${type.disk} GB, but the flake's ${flake}.requires.disk is ${disk}`]),
    ...(memory === null || type.memory >= memory
      ? []
      : [`has ${type.memory} GB of memory, but the flake's ${flake}.requires.memory is ${memory}`]),
  ];
  return lacks.map((lack) =>
    withExample(
      {
        path: `${path}.type`,
        message: `${type.name} ${lack}; what fits: ${tell(fitting, catalogue.currency)}`,
      },
      fitting[0]?.type,
    ),
  );
}

/** What Hetzner cannot do to a server that is there. */
function checkChange(
  { catalogue }: Context,
  path: string,
  { server }: Wanted,
  type: ServerType,
  running: RunningServer,
  fitting: readonly Alternative[],
): Problem[] {
  if (type.name === running.type || server.location !== running.location) return [];
  const problem = (message: string): Problem[] => [
    withExample(
      {
        path: `${path}.type`,
        message: `${message}; what fits: ${tell(fitting, catalogue.currency)}. Or name a new host and delete this one`,
      },
      fitting[0]?.type,
    ),
  ];
  if (type.architecture !== running.architecture)
    return problem(
      `the server ${running.name} is ${running.architecture} and cannot become ${type.name}, which is ${type.architecture}`,
    );
  if (type.disk < running.disk)
    return problem(
      `the server ${running.name} has a disk of ${running.disk} GB, which cannot shrink to the ${type.disk} GB of ${type.name}`,
    );
  return [];
}

function checkImage(
  catalogue: Catalogue,
  path: string,
  { name, server, manifest }: Wanted,
  type: ServerType | undefined,
  now: Date,
): Findings {
  const found: Findings = { problems: [], notes: [] };
  const of = catalogue.images.filter(
    ({ architecture }) => architecture === (type?.architecture ?? manifest.system),
  );
  const fresh = of.filter(({ deprecated }) => deprecated === undefined).map((one) => one.name);
  const image = of.find((one) => one.name === server.image);
  const problem = (message: string) =>
    found.problems.push(
      withExample(
        { path: `${path}.image`, message: `${message}; there are ${fresh.join(", ")}` },
        fresh.includes("debian-13") ? "debian-13" : fresh[0],
      ),
    );
  if (!image) {
    problem(`"${server.image}" is not an image for ${type?.architecture ?? manifest.system}`);
  } else if (image.deprecated !== undefined) {
    const since = image.deprecated.slice(0, 10);
    if (now.getTime() - Date.parse(image.deprecated) > imageGraceDays * day)
      problem(`${image.name} is deprecated since ${since} and cannot be ordered any more`);
    else found.notes.push(`${name}: the image ${image.name} is deprecated since ${since}`);
  } else if (type && image.disk > type.disk) {
    problem(`${image.name} needs a disk of ${image.disk} GB, and ${type.name} has ${type.disk} GB`);
  }
  return found;
}

/** A location nobody knows. */
export function unknownLocation(catalogue: Catalogue, path: string, location: string): Problem {
  const there = catalogue.locations.map(({ name, networkZone }) => `${name} (${networkZone})`).join(", ");
  return withExample(
    { path, message: `"${location}" is not a location; there are ${there}` },
    catalogue.locations[0]?.name,
  );
}

/** A problem with an example, where there is one. */
export const withExample = (problem: Problem, example: string | undefined): Problem => ({
  ...problem,
  ...(example === undefined ? {} : { example }),
});
