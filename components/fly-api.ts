import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../config/stack.ts";
import { Failure } from "../deployer/failure.ts";
import { flyEndpoint, flyRegistry } from "../deployer/fly/http.ts";

/** How resources of Berth's own reach Fly. */
export interface FlyAccess {
  /** Secret. */
  token: pulumi.Input<string>;
  /** With the version, e.g. "https://api.machines.dev/v1". */
  endpoint: string;
  /** Host of the registry that images are pushed to, e.g. "registry.fly.io". */
  registry: string;
}

/** Where Fly's own tools take a token from, the first that is set. */
const tokenVariables = ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN"];

/**
 * The configuration's token, or that of the environment; endpoint and registry as Fly's own tools take them from there.
 * Throws a Failure where apps are wanted and there is no token. Undefined where there are none.
 */
export function flyAccess({ fly, flyToken }: Pick<StackConfig, "fly" | "flyToken">): FlyAccess | undefined {
  const apps = Object.keys(fly);
  if (apps.length === 0) return undefined;
  const token = flyToken ?? tokenVariables.map((name) => process.env[name]).find(Boolean);
  if (!token)
    throw new Failure({
      tried: `find Fly's token, because the stack has ${apps.join(", ")} there`,
      cameBack: `neither berth:flyToken nor ${tokenVariables.join(" nor ")} is set`,
      stands: "Nothing was created or changed.",
      next: "make one (fly tokens create org) and set it: pulumi config set --secret berth:flyToken",
    });
  const base = process.env["FLY_FLAPS_BASE_URL"];
  return {
    token: pulumi.secret(token),
    endpoint: base ? `${base.replace(/\/+$/, "")}/v1` : flyEndpoint,
    registry: process.env["FLY_REGISTRY_HOST"] || flyRegistry,
  };
}
