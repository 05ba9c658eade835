import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { STACK } from "./environment.ts";
import { isDefaultLab, type LabPlaces } from "./folder.ts";
import { installPlugins } from "./plugins/install.ts";
import { must } from "./setup/child.mjs";
import { checkout, node24 } from "./setup/places.mjs";

/** Where the committed configuration expects the flake; a lab elsewhere has its own. */
const DEFAULT_FLAKE = "path:./.lab/flake";

/**
 * Give a lab its own Pulumi: a home with the plugins, a folder for the state, and the stack, selected.
 * @returns lines on plugins that are stand-ins
 */
export async function prepareEngine(places: LabPlaces, env: Record<string, string>): Promise<string[]> {
  await mkdir(places.state, { recursive: true });
  await mkdir(places.pulumi, { recursive: true });
  const plugins = await installPlugins({ pulumiHome: places.pulumi, node: node24 });
  if (!isDefaultLab(places) && !existsSync(places.stackFile)) await writeStackFile(places);
  await must(
    `selecting the stack ${STACK}`,
    ["pulumi", "stack", "select", "--create", STACK, "--non-interactive"],
    {
      cwd: checkout,
      env: { ...process.env, ...env },
      deadline: 60_000,
    },
  );
  return plugins
    .filter((plugin) => plugin.kind === "stand-in")
    .map(
      (plugin) => `plugin ${plugin.name} ${plugin.version}: the lab's stand-in, as the real one is not here`,
    );
}

async function writeStackFile(places: LabPlaces): Promise<void> {
  const committed = await readFile(join(checkout, `Pulumi.${STACK}.yaml`), "utf8");
  await writeFile(places.stackFile, committed.replace(DEFAULT_FLAKE, `path:${places.flake}`));
}
