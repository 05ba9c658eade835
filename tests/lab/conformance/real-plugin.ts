import { accessSync, constants, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { checkout } from "../../../lab/setup/places.mjs";

const PROGRAM = "pulumi-resource-hcloud";

/** Why there is none, as a skipped test says it. */
export const NO_PLUGIN = `no real ${PROGRAM} in PULUMI_RESOURCE_HCLOUD, on PATH or in ~/.pulumi/plugins`;

/** The real provider plugin, of any version; undefined where there is none, or only the lab's stand-in for it. */
export function realPlugin(env = process.env): string | undefined {
  const cache = join(env.HOME || homedir(), ".pulumi/plugins");
  const cached = list(cache)
    .filter((name) => /^resource-hcloud-v[\d.]+$/.test(name))
    .sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  const places = [
    env.PULUMI_RESOURCE_HCLOUD ?? "",
    ...(env.PATH ?? "").split(delimiter).map((folder) => join(folder, PROGRAM)),
    ...cached.map((name) => join(cache, name, PROGRAM)),
  ];
  return places.find((path) => path.startsWith("/") && isReal(path));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The stand-in is a script of this checkout's, or one laid out in a lab's own cache; the real one is neither. */
function isReal(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return !realpathSync(path).startsWith(`${checkout}/`);
  } catch {
    return false;
  }
}
