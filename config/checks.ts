import { findServerType, serverTypes } from "./catalogue.ts";
import type { Manifest } from "./manifest.ts";
import type { HostPlan } from "./plan.ts";
import { ConfigurationError, type Problem } from "./problems.ts";
import type { StackConfig } from "./stack.ts";

/** A host of the stack with its system in the flake. */
export type MatchedHost = Pick<HostPlan, "name" | "settings" | "manifest">;

/** What the stack and the flake must agree on before anything is ordered. Throws one ConfigurationError. */
export function matchManifest(stack: string, config: StackConfig, manifest: Manifest): MatchedHost[] {
  const problems: Problem[] = [];
  const matched: MatchedHost[] = [];
  for (const [name, wanted] of Object.entries(config.hosts)) {
    const path = `berth:hosts.${name}`;
    const found = Object.hasOwn(manifest, wanted.system) ? manifest[wanted.system] : undefined;
    const type = wanted.server && findServerType(wanted.server.type);
    if (!found) {
      const names = Object.keys(manifest);
      problems.push({
        path: `${path}.system`,
        message: `the flake ${config.flake} has no berth.hosts.${wanted.system}; it has ${names.length === 0 ? "none" : names.join(", ")}`,
        ...(names[0] ? { example: names[0] } : {}),
      });
      continue;
    }
    if (type && type.architecture !== found.system) {
      problems.push({
        path: `${path}.server.type`,
        message: `${type.name} is ${type.architecture}, but the flake's berth.hosts.${wanted.system} is for ${found.system}`,
        example: serverTypes.find(({ architecture }) => architecture === found.system)?.name ?? "",
      });
    }
    if (type && wanted.server && !type.locations.includes(wanted.server.location)) {
      problems.push({
        path: `${path}.server.location`,
        message: `${type.name} is not sold in ${wanted.server.location}; it is in ${type.locations.join(", ")}`,
      });
    }
    matched.push({ name, settings: wanted, manifest: found });
  }
  if (problems.length > 0) throw new ConfigurationError(stack, problems);
  return matched;
}
