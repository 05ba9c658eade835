import { serves } from "../dns.ts";
import type { Manifest } from "../manifest.ts";
import type { Problem } from "../problems.ts";
import type { StackConfig } from "../stack.ts";
import { hostPath, type MatchedHost, manifestPath } from "./context.ts";

/** Every host with its system in the flake, and the hosts whose system is not among the `names` there are. */
export function matchSystems(
  config: StackConfig,
  manifest: Manifest,
  names: readonly string[],
): { hosts: MatchedHost[]; problems: Problem[] } {
  const hosts: MatchedHost[] = [];
  const problems: Problem[] = [];
  for (const [name, settings] of Object.entries(config.hosts)) {
    const found = Object.hasOwn(manifest, settings.system) ? manifest[settings.system] : undefined;
    if (found) {
      hosts.push({ name, settings, manifest: found });
      continue;
    }
    problems.push({
      path: `${hostPath(name)}.system`,
      message: `the flake ${config.flake} has no ${manifestPath(settings.system)}; it has ${names.length === 0 ? "none" : names.join(", ")}`,
      ...(names[0] ? { example: names[0] } : {}),
    });
  }
  return { hosts, problems };
}

/** What the flake says of a host and the stack does not give or would wipe. */
export function checkSystem({ name, settings, manifest }: MatchedHost): Problem[] {
  const problems: Problem[] = [];
  const flake = manifestPath(settings.system);
  const { domain } = settings;
  const names = manifest.virtualHosts.map((host) => host.name);
  // A system that names no virtual hosts answers to whatever it is called.
  if (domain !== undefined && names.length > 0 && !serves(names, domain)) {
    problems.push({
      path: `${hostPath(name)}.domain`,
      message: `${domain} is not among the flake's ${flake}.virtualHosts: ${names.join(", ")}; add it there, or name one of these here`,
      ...(names[0] ? { example: names[0].replace(/^\*\./, "www.") } : {}),
    });
  }
  for (const [disk, { device }] of Object.entries(manifest.disks)) {
    if (!/HC_Volume_/.test(device)) continue;
    problems.push({
      path: `${hostPath(name)}.system`,
      message: `the flake's ${flake}.disks.${disk} is ${device}, a volume, and every installation would wipe it; take it out of disko's layout and mount it by fileSystems`,
    });
  }
  return problems;
}
