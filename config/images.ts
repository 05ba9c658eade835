import {
  architectures,
  type EvaluatedImage,
  type ImageFacts,
  type ImageSource,
  type ImageSystem,
  type PackageName,
  packagePath,
} from "./image.ts";
import type { Manifest } from "./manifest.ts";
import type { Problem } from "./problems.ts";
import type { StackConfig } from "./stack.ts";

/** A place in the configuration that names an image. */
export interface ImageUse {
  /** E.g. "berth:containers.site.image". */
  path: string;
  source: ImageSource;
  /** What it runs on, where that is known. */
  system?: ImageSystem | undefined;
}

/** Where a container names its images. */
export const imagePlaces = (name: string) => ({
  service: `berth:containers.${name}.image`,
  compose: (service: string): string => `berth:containers.${name}.compose.images.${service}`,
});

/** Every image that the containers of a stack name. */
export function imageUses({ containers, hosts }: StackConfig, manifest: Manifest): ImageUse[] {
  return Object.entries(containers).flatMap(([name, container]) => {
    const on = typeof container.on === "string" ? hosts[container.on] : undefined;
    const system = on && manifest[on.system]?.system;
    const places = imagePlaces(name);
    if (!("compose" in container)) return [{ path: places.service, source: container.image, system }];
    return Object.entries(container.compose.images).map(([service, source]) => ({
      path: places.compose(service),
      source,
      system,
    }));
  });
}

/** The package of a use, where it is one. */
export function packageOf({ source, system }: ImageUse): PackageName | undefined {
  if (source.package === undefined) return undefined;
  return { system: source.system ?? system ?? "x86_64-linux", name: source.package };
}

/** The packages of the flake that are to be evaluated. */
export const packagesOf = (uses: readonly ImageUse[]): PackageName[] =>
  uses.flatMap((use) => packageOf(use) ?? []);

/** Where an image is from, decided. */
export type PlannedImage =
  | { reference: string }
  | {
      /** What Nix builds, or a file that is there. */
      from: { package: { path: string; drvPath: string; out: string } } | { archive: string };
      /** What it must run on, as Docker calls it; undefined where nobody knows. */
      architecture: string | undefined;
      system: ImageSystem | undefined;
    };
export interface ImagePlan {
  image: PlannedImage;
  /** What the image tells of itself before it is built. */
  facts: ImageFacts;
}

/** What the flake says of packages: `deployer/nix/evaluate-images.ts`. */
type Evaluated = Readonly<Record<string, EvaluatedImage | { instead: string[] }>>;

/** The images of a stack by their place, and what is wrong with them. Pure. */
export function planImages(
  flake: string,
  uses: readonly ImageUse[],
  evaluated: Evaluated,
  absentFiles: readonly string[],
): { images: Record<string, ImagePlan>; problems: Problem[] } {
  const images: Record<string, ImagePlan> = {};
  const problems: Problem[] = [];
  for (const use of uses) {
    const planned = planImage(flake, use, evaluated, absentFiles);
    if ("message" in planned) problems.push(planned);
    else images[use.path] = planned;
  }
  return { images, problems };
}

function planImage(
  flake: string,
  use: ImageUse,
  evaluated: Evaluated,
  absentFiles: readonly string[],
): ImagePlan | Problem {
  const { path, source, system } = use;
  const { reference, archive } = source;
  if (reference !== undefined) return { image: { reference }, facts: {} };
  if (archive !== undefined) {
    if (absentFiles.includes(archive))
      return {
        path: `${path}.archive`,
        message: `there is no file ${archive}, relative to the project; docker save writes one`,
      };
    const architecture = system && architectures[system];
    return { image: { from: { archive }, architecture, system }, facts: {} };
  }
  const named = packageOf(use);
  if (!named) throw new Error(`${path} names no image`);
  if (system !== undefined && named.system !== system)
    return {
      path: `${path}.system`,
      message: `${named.system}: it runs on ${system}, where a program for another machine does not start; leave it out`,
    };
  const known = evaluated[packagePath(named)];
  if (!known || !("out" in known)) {
    const there = known?.instead ?? [];
    return {
      path: `${path}.package`,
      message: `the flake ${flake} has no ${packagePath(named)}; it has ${there.length === 0 ? "none for that system" : there.join(", ")}`,
    };
  }
  const { drvPath, out, facts, created } = known;
  if (created === "now")
    return {
      path: `${path}.package`,
      message: `${packagePath(named)} is made with created = "now": each run would make, and release, another image of the same inputs; fix the date, or leave it out`,
      example: 'created = "1970-01-01T00:00:01Z"',
    };
  const architecture = architectures[named.system];
  if (facts.architecture !== undefined && facts.architecture !== architecture)
    return {
      path: `${path}.package`,
      message: `${packagePath(named)} says that it is for ${facts.architecture}; packages.${named.system} shall have one for ${architecture}`,
    };
  return {
    image: {
      from: { package: { path: packagePath(named), drvPath, out } },
      architecture,
      system: named.system,
    },
    facts,
  };
}

/** Files that the containers of a stack name, relative to the project. */
export const filesOf = (config: Pick<StackConfig, "containers">): string[] =>
  Object.values(config.containers).flatMap((container) =>
    "compose" in container
      ? [
          container.compose.file,
          ...Object.values(container.compose.images).flatMap(({ archive }) => archive ?? []),
        ]
      : [container.image.archive ?? []].flat(),
  );
