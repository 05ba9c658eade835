import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDefaultLab, type LabPlaces } from "./folder.ts";
import { checkout, node24, onPath } from "./setup/places.mjs";
import { findTools } from "./setup/setup.mjs";
import { Trouble } from "./setup/trouble.mjs";

/** The stack that every lab has. */
export const STACK = "lab";
/** Its passphrase, which is no secret: a lab's state protects nothing. */
const PASSPHRASE = "lab";

/** What goes into a lab's environment. */
export interface EnvironmentFacts {
  places: LabPlaces;
  /** Folders that go first on PATH. */
  path: readonly string[];
  /** Variables that the tools need, such as NIX_CONF_DIR. */
  tools: Readonly<Record<string, string>>;
  /** PATH as it is. */
  oldPath: string;
  /** The cloud's address and token, when it has some. */
  cloud: { url: string; token: string } | undefined;
}

/** The variables that make plain `pulumi`, `hcloud`, `nix` and `ssh` work with a lab. */
export function environmentOf({
  places,
  path,
  tools,
  oldPath,
  cloud,
}: EnvironmentFacts): Record<string, string> {
  // npm puts folders of its own in front of PATH, which are not the user's.
  const known = oldPath
    .split(":")
    .filter((folder) => folder !== "" && !path.includes(folder) && !/\/(\.bin|node-gyp-bin)$/.test(folder));
  return {
    PATH: [...path, ...known].join(":"),
    BERTH_LAB: places.folder,
    PULUMI_HOME: places.pulumi,
    PULUMI_BACKEND_URL: `file://${places.state}`,
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    // Plugins come from the lab's PULUMI_HOME and nowhere else; a missing one fails in one line.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ...(isDefaultLab(places) ? {} : { PULUMI_OPTION_CONFIG_FILE: places.stackFile }),
    ...(cloud ? { HCLOUD_ENDPOINT: cloud.url, HCLOUD_TOKEN: cloud.token } : {}),
    ...tools,
  };
}

/**
 * The environment of a lab whose tools are set up.
 * @throws Trouble when something is missing
 */
export async function labEnvironment(places: LabPlaces): Promise<Record<string, string>> {
  const tools = await findTools(new Set(["lab"]));
  return environmentOf({
    places,
    path: [dirname(node24), ...tools.path.filter((folder) => folder !== dirname(node24)), ...standIns()],
    tools: tools.env,
    oldPath: process.env.PATH ?? "",
    cloud: await cloudAccess(places),
  });
}

/** The folder with the lab's nixos-anywhere, which knows BERTH_NIXOS_ANYWHERE, unless the real one is on PATH. */
function standIns(): string[] {
  const folder = join(checkout, "lab/stand-ins");
  if (process.env.BERTH_NIXOS_ANYWHERE) return [folder];
  const real = onPath("nixos-anywhere");
  return real && dirname(real) !== folder ? [] : [folder];
}

/** Where the cloud is and how to be let in; undefined while it is not up. */
export async function cloudAccess(places: LabPlaces): Promise<{ url: string; token: string } | undefined> {
  if (!existsSync(places.cloudUrl) || !existsSync(places.cloudToken)) return undefined;
  const [url, token] = await Promise.all([
    readFile(places.cloudUrl, "utf8"),
    readFile(places.cloudToken, "utf8"),
  ]);
  return { url: url.trim(), token: token.trim() };
}

/** @throws Trouble: something was asked of a lab that is not up */
export function notUp(places: LabPlaces): never {
  throw new Trouble(`the lab in ${places.folder} is not up. Next: npm run lab -- up`);
}
