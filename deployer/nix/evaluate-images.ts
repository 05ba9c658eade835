import { z } from "zod";
import { type EvaluatedImage, evaluatedImage, type PackageName, packagePath } from "../../config/image.ts";
import { Failure } from "../failure.ts";
import { lastLines, run } from "../process.ts";
import { type EvaluationOptions, nixString, printedJson } from "./evaluate.ts";
import { type Answers, answered } from "./evaluations.ts";

/** Images of a flake by `packages.<system>.<name>`; a package that is not there has the names of those that are. */
export type EvaluatedImages = Record<string, EvaluatedImage | { instead: string[] }>;

const printed = z.record(z.string(), z.union([evaluatedImage, z.object({ instead: z.array(z.string()) })]));

const answers: Answers<EvaluatedImages> = {
  kind: "images",
  schema: printed,
  derivationsOf: (images) =>
    Object.values(images).flatMap((image) => ("drvPath" in image ? [image.drvPath] : [])),
};

/**
 * What the flake says of these packages as images, by one `nix eval`: derivation, output, and what they tell in `passthru.berth`. Writes the
 * derivations to the store, builds nothing. With `remembered` the same content is not evaluated twice.
 * Throws a Failure that names the flake when it does not evaluate.
 */
export async function evaluateImages(
  flake: string,
  wanted: readonly PackageName[],
  options: EvaluationOptions,
): Promise<EvaluatedImages> {
  const packages = [...new Map(wanted.map((one) => [packagePath(one), one])).values()];
  if (packages.length === 0) return {};
  const question = {
    flake,
    systems: packages.map(packagePath),
    cwd: options.cwd,
    remembered: options.remembered,
  };
  return await answered(question, answers, () => evaluate(flake, packages, options));
}

/** The function that takes these packages out of the flake's `packages`. */
export function imageSelection(wanted: readonly PackageName[]): string {
  const list = wanted
    .map(
      (one) =>
        `{ path = ${nixString(packagePath(one))}; system = ${nixString(one.system)}; name = ${nixString(one.name)}; }`,
    )
    .join(" ");
  // Nothing but what is named here is looked at: a package that is not an image must not have to evaluate.
  const expression = `packages: let
    plain = builtins.unsafeDiscardStringContext;
    one = of: name: let image = of.\${name}; in {
      drvPath = plain image.drvPath;
      out = plain image.outPath;
      facts = image.berth or { };
      created = image.conf.created or image.stream.conf.created or null;
    };
    told = { path, system, name }: let of = packages.\${system} or { }; in {
      name = path;
      value = if of ? \${name} then one of name else { instead = builtins.attrNames of; };
    };
  in builtins.listToAttrs (map told [ ${list} ])`;
  // One line, as messages and logs of Nix have it.
  return expression.replaceAll(/\s+/g, " ");
}

async function evaluate(
  flake: string,
  packages: readonly PackageName[],
  { cwd, deadline = 600_000, signal }: EvaluationOptions,
): Promise<EvaluatedImages> {
  const tried = `evaluate the images of ${flake}#packages`;
  const ended = await run(
    "nix",
    [
      ...["eval", "--json", "--no-update-lock-file", "--no-warn-dirty", `${flake}#packages`],
      ...["--apply", imageSelection(packages)],
    ],
    { cwd, deadline, ...(signal && { signal }) },
  );
  if (ended.exitCode !== 0) {
    throw new Failure({
      tried,
      cameBack: `the evaluation failed\n${lastLines(ended.stderr, 15)}`,
      next: `mend the flake; nix eval '${flake}#${packages.map(packagePath)[0]}.drvPath' shows more`,
    });
  }
  const parsed = printed.safeParse(printedJson(ended.stdout, tried));
  if (parsed.success) return parsed.data;
  throw new Failure({
    tried,
    cameBack: `a package of another shape\n${z.prettifyError(parsed.error)}`,
    next: "name packages that are images: streamLayeredImage or buildLayeredImage makes one; their passthru.berth has the shape of apps/image.nix",
  });
}
