import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Catalogue, datedCatalogue } from "../config/catalogue.ts";
import { flyPackages, matchFlyPackages } from "../config/fly-images.ts";
import { filesOf, imageUses, packagesOf } from "../config/images.ts";
import type { Manifest } from "../config/manifest.ts";
import type { StackPlan } from "../config/plan.ts";
import { planStack } from "../config/plan-stack.ts";
import type { Problem } from "../config/problems.ts";
import type { CloudView } from "../config/running.ts";
import type { StackConfig } from "../config/stack.ts";
import { evaluateSystems } from "./nix/evaluate.ts";
import { evaluateImages } from "./nix/evaluate-images.ts";
import { localBuilds } from "./nix/local-builds.ts";

export interface PlanFromFlakeInput {
  /** Name of the stack. */
  stack: string;
  config: StackConfig;
  /** What is wrong with the configuration already. */
  problems: readonly Problem[];
  /** What Hetzner sells and what runs there; null where nobody can or need ask. Asked while the flake is evaluated. */
  readCloud: () => Promise<CloudView | null>;
  /** The project's folder: flake and files are relative to it, and evaluations are kept in it. */
  cwd: string;
  now: Date;
}

export interface PlanFromFlake {
  plan: StackPlan;
  /** Of the flake's systems, those of the stack. */
  manifest: Manifest;
  cloud: CloudView | null;
  /** The one that the plan was checked against: what Hetzner says, or the dated list. */
  catalogue: Catalogue;
  /** What the flake says of the packages that go to Fly, by app. */
  packages: ReturnType<typeof matchFlyPackages>["packages"];
}

/** The plan of a stack by what its flake and Hetzner say. Changes nothing. Throws what `planStack` and the evaluation throw. */
export async function planFromFlake(input: PlanFromFlakeInput): Promise<PlanFromFlake> {
  const { stack, config, cwd, now } = input;
  const systems = Object.values(config.hosts).map(({ system }) => system);
  const evaluation = { cwd, remembered: resolve(cwd, ".berth/evaluations") };
  const [flake, cloud, buildsHere] = await Promise.all([
    systems.length === 0 ? { hosts: {}, names: [] } : evaluateSystems(config.flake, systems, evaluation),
    input.readCloud(),
    systems.length === 0 ? null : localBuilds(),
  ]);
  // Which system's package it is, hosts say.
  const wantedImages = [...packagesOf(imageUses(config, flake.hosts)), ...flyPackages(config.fly)];
  const images = await evaluateImages(config.flake, wantedImages, evaluation);
  const catalogue = cloud?.catalogue ?? datedCatalogue;
  const forFly = matchFlyPackages(config.fly, images);
  const plan = planStack({
    stack,
    config,
    problems: [...input.problems, ...forFly.problems],
    manifest: flake.hosts,
    systemNames: flake.names,
    catalogue,
    running: cloud?.running ?? null,
    sshKeys: cloud?.sshKeys ?? null,
    takenNames: cloud?.takenNames ?? [],
    localBuilds: buildsHere,
    images,
    absentFiles: filesOf(config).filter((file) => !existsSync(resolve(cwd, file))),
    now,
  });
  return { plan, manifest: flake.hosts, cloud, catalogue, packages: forFly.packages };
}
