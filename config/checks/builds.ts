import { buildOn, publicHalf } from "../builds.ts";
import type { Problem } from "../problems.ts";
import { encrypted } from "../secrets.ts";
import { type Context, hostPath, type MatchedHost } from "./context.ts";
import { listed, orderOf } from "./secrets.ts";

/** That every system can be built where it shall be, before anything is ordered. */
export function checkBuilds(context: Context): Problem[] {
  const { builders, caches } = context.config.builds;
  const reserved = ["deployer", "target"].filter((name) => Object.hasOwn(builders, name));
  return [
    ...reserved.map((name) => ({
      path: `berth:builds.builders.${name}`,
      message: `${name} is a place of its own: no builder can be named so`,
    })),
    ...caches.flatMap(({ push, publicKey }, index) => {
      const fault = push === undefined ? undefined : signerFault(push, publicKey, context.config.secrets);
      const path = `berth:builds.caches.${index}.push`;
      return push === undefined || fault === undefined
        ? []
        : [{ path, message: fault, example: orderOf(push) }];
    }),
    ...context.hosts.flatMap((host) => checkHost(host, context)),
  ];
}

/** What is wrong with the secret that signs for a cache. Tells its name and its public half, never its value. */
function signerFault(
  push: string,
  publicKey: string,
  values: Readonly<Record<string, string>>,
): string | undefined {
  const value = Object.hasOwn(values, push) ? values[push] : undefined;
  if (value === undefined)
    return `there is no secret "${push}" under berth:secrets; there are ${listed(Object.keys(values))}`;
  // Only an update reads what it is.
  if (value === encrypted) return undefined;
  const half = publicHalf(value);
  if (half === undefined)
    return `the secret "${push}" is no key that Nix signs with: give it what nix key generate-secret prints`;
  if (half === publicKey) return undefined;
  return `the secret "${push}" belongs to the public key ${half}, and the cache's publicKey is ${publicKey}: hosts would refuse what it signs`;
}

function checkHost(host: MatchedHost, context: Context): Problem[] {
  const { builds } = context.config;
  const { system } = host.manifest;
  const named = host.settings.buildOn;
  const path = named === undefined ? "berth:builds.on" : `${hostPath(host.name)}.buildOn`;
  const where = buildOn(builds, host.settings);
  if (where === undefined) {
    const there = ["deployer", "target", ...Object.keys(builds.builders)];
    return [{ path, message: `there is no builder "${named ?? builds.on}"; there are ${there.join(", ")}` }];
  }
  if (where.on === "builder") {
    const { name, systems } = where.builder;
    if (systems.includes(system)) return [];
    return [
      {
        path,
        message: `${host.name} is ${system}, and the builder ${name} builds for ${systems.join(", ")} alone`,
      },
    ];
  }
  const { localBuilds } = context;
  if (localBuilds === null || localBuilds.builders || localBuilds.systems.includes(system)) return [];
  const here = `${host.name} is ${system}, and this machine builds for ${localBuilds.systems.join(", ")} alone`;
  const ways = `name a builder for it under berth:builds.builders, or have this machine emulate it (boot.binfmt.emulatedSystems on NixOS, extra-platforms in nix.conf)`;
  if (where.on === "deployer")
    return [
      {
        path,
        message: `${here}; ${ways}; a host that is installed can also build it itself: ${hostPath(host.name)}.buildOn: target`,
      },
    ];
  // What is installed first comes from here: there is no system on the host yet that could build.
  if (context.running === null || host.settings.server === undefined) return [];
  if (context.running.servers.some((server) => server.host === host.name)) return [];
  return [{ path, message: `${here}, where the system is built that it is installed with; ${ways}` }];
}
