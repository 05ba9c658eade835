import type { FlyAppConfig } from "./fly.ts";
import { flySystem } from "./fly-rules.ts";
import { type EvaluatedImage, type PackageName, packagePath } from "./image.ts";
import type { Problem } from "./problems.ts";

const packageOf = ({ image }: FlyAppConfig): PackageName | undefined =>
  image.package === undefined ? undefined : { system: flySystem, name: image.package };

/** Packages of the flake that apps at Fly run. */
export const flyPackages = (apps: Record<string, FlyAppConfig>): PackageName[] =>
  Object.values(apps).flatMap((app) => packageOf(app) ?? []);

/** A package as what builds it is told of it. */
export type FlyPackage = Pick<EvaluatedImage, "drvPath" | "out"> & { path: string };

/**
 * Each app's package, and a problem for each that the flake does not have.
 * @param evaluated by `packages.<system>.<name>`
 */
export function matchFlyPackages(
  apps: Record<string, FlyAppConfig>,
  evaluated: Record<string, EvaluatedImage | { instead: string[] }>,
): { packages: Record<string, FlyPackage>; problems: Problem[] } {
  const packages: Record<string, FlyPackage> = {};
  const problems: Problem[] = [];
  for (const [name, app] of Object.entries(apps)) {
    const named = packageOf(app);
    if (!named) continue;
    const path = packagePath(named);
    const found = evaluated[path] ?? { instead: [] };
    if ("drvPath" in found) {
      packages[name] = { path, drvPath: found.drvPath, out: found.out };
      continue;
    }
    problems.push({
      path: `berth:fly.${name}.image.package`,
      message: `the flake has no ${path}; there are ${found.instead.join(", ") || "none"}`,
    });
  }
  return { packages, problems };
}
