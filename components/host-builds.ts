import * as pulumi from "@pulumi/pulumi";
import { type BuildsConfig, buildOn } from "../config/builds.ts";
import type { HostPlan } from "../config/plan.ts";

/** Where a host's system is built and how it gets there, as its deployment is told. */
export interface HostBuilds {
  /** The machine that deploys, the host itself, or `builder`. */
  on: "deployer" | "target" | "builder";
  /** The machine that builds, where it is neither of the others. */
  builder?: { name: string; address: string; port: number; user: string; hostKey: string };
  /** Caches the host fetches from; with the secret key that signs, where what was built is pushed there first. */
  caches: {
    url: string;
    publicKey: string;
    push?: { to: string; secretKey: pulumi.Output<string> };
  }[];
  /** Releases that are kept. */
  keep: number;
}

/** The configuration's words for one host, with the contents of the secrets that it names. */
export function hostBuilds(
  builds: BuildsConfig,
  { settings }: Pick<HostPlan, "settings">,
  secrets: Record<string, pulumi.Input<string>>,
): HostBuilds {
  const where = buildOn(builds, settings);
  if (where === undefined) throw new Error(`there is no builder ${settings.buildOn ?? builds.on}`);
  return {
    on: where.on,
    ...(where.on === "builder" && { builder: withoutSystems(where.builder) }),
    caches: builds.caches.map(({ url, publicKey, push, pushTo }) => ({
      url,
      publicKey,
      ...(push !== undefined && {
        push: { to: pushTo ?? url, secretKey: pulumi.secret(secrets[push] ?? "") },
      }),
    })),
    keep: builds.keep,
  };
}

/** The machine that builds what is for a system and no host; undefined where the one that deploys does. */
export function builderFor(builds: BuildsConfig, system: string): HostBuilds["builder"] {
  const where = buildOn(builds, {});
  return where?.on === "builder" && where.builder.systems.some((one) => one === system)
    ? withoutSystems(where.builder)
    : undefined;
}

const withoutSystems = ({ name, address, port, user, hostKey }: NonNullable<HostBuilds["builder"]>) => ({
  name,
  address,
  port,
  user,
  hostKey,
});
